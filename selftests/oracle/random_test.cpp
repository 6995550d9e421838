// SPDX-License-Identifier: GPL-2.0-or-later
#include "random.hpp"

#include <linux/xfrm.h>

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "fixture.hpp"

namespace xfrm_xdp::oracle {
namespace {

RandomRun run;

// Packets to a kind of SA: making one takes as long as twenty packets.
constexpr std::uint64_t packets_each = 20;

Family random_family(Generator &random)
{
    return random.one_in(2) ? Family::v6 : Family::v4;
}

std::string random_suite(Generator &random)
{
    static const auto all = suites();
    // Half of them of those that everybody uses.
    static const std::vector<std::string> usual = {"gcm128_16", "gcm256_16", "cbc128_sha256_128",
                                                   "cbc256_sha256_128"};
    return random.one_in(2) ? random.of(usual) : random.of(all).name;
}

void random_options(Generator &random, Cell &cell)
{
    const std::vector<std::uint8_t> flags = {XFRM_STATE_NOECN, XFRM_STATE_DECAP_DSCP,
                                             XFRM_STATE_NOPMTUDISC, XFRM_STATE_ICMP};
    const std::vector<std::uint32_t> extra = {XFRM_SA_XFLAG_DONT_ENCAP_DSCP,
                                              XFRM_SA_XFLAG_OSEQ_MAY_WRAP};
    for (int i = 0; i < 2; i++)
        if (random.one_in(3))
            cell.flags |= random.of(flags);
    if (random.one_in(4))
        cell.extra_flags |= random.of(extra);
    if (random.one_in(8))
        cell.encapsulation_port = 4500;
    if (cell.mode() == Mode::tunnel && random.one_in(8))
        cell.tfc_padding = static_cast<std::uint32_t>(random.below(1500));
    if (random.one_in(16))
        cell.output_mark = static_cast<std::uint32_t>(1 + random.below(1000));
    if (random.one_in(16))
        cell.mark = Mark{0, 0xff};
}

Cell random_cell(Generator &random)
{
    Cell cell;
    Mode mode = random.one_in(8) ? Mode::beet : random.one_in(8) ? Mode::transport : Mode::tunnel;
    cell.name = "random";
    cell.layers = {{mode, random_suite(random)}};
    cell.inner = random_family(random);
    cell.outer = mode == Mode::transport ? cell.inner : random_family(random);
    cell.esn = random.one_in(2);
    const std::vector<std::uint32_t> windows = {32, 64, 128, 4096};
    cell.window = random.of(windows);
    cell.bitmap = random.one_in(4);
    random_options(random, cell);
    cell.output = expected_output(cell);
    cell.input = expected_input(cell);
    return cell;
}

Shape random_shape(Generator &random, const Path &path)
{
    const std::vector<std::uint8_t> ttls = {255, 64, 3};
    const std::vector<std::uint8_t> protocols = {packet::proto_udp, packet::proto_tcp,
                                                 packet::proto_icmp};
    Shape shape;
    shape.protocol = path.datagrams ? packet::proto_udp : random.of(protocols);
    const std::size_t least = (family_of(path) == Family::v4 ? 20 : 40) +
                              (shape.protocol == packet::proto_tcp ? 20U : 8U);
    // Small ones and those around the MTU more often than the rest.
    const std::uint64_t kind = random.below(4);
    shape.size = kind == 0   ? least + random.below(64)
                 : kind == 1 ? 1360 + random.below(141)
                             : least + random.below(1501 - least);
    shape.tos = static_cast<std::uint8_t>(random.below(256));
    shape.ttl = random.of(ttls);
    shape.df = !random.one_in(3);
    shape.id = static_cast<std::uint16_t>(random.below(65536));
    shape.flow_label = static_cast<std::uint32_t>(random.below(1 << 20));
    shape.port = static_cast<std::uint16_t>(4000 + random.below(4));
    return shape;
}

std::string describe(const Cell &cell, Direction direction)
{
    return fmt::format("{} {} {} {} in {}{}, window {}{}, flags {:#x} {:#x}{}{}{}{}",
                       direction == Direction::output ? "output" : "input", name(cell.mode()),
                       cell.layers[0].suite, name(cell.inner), name(cell.outer),
                       cell.esn ? " ESN" : "", cell.window, cell.bitmap ? " bitmap" : "",
                       cell.flags, cell.extra_flags, cell.encapsulation_port ? " UDP" : "",
                       cell.tfc_padding ? fmt::format(" TFC {}", *cell.tfc_padding) : "",
                       cell.mark ? " mark" : "", cell.output_mark ? " output mark" : "");
}

Differences judge(const Course &course, const Cell &cell, Direction direction,
                  const std::vector<Bytes> &frames)
{
    if (direction == Direction::output)
        return judge_output(course, cell, {.name = "", .frames = frames, .one_flow = false});
    // What GW2 cannot send is no packet for GW1.
    const auto esp = record_esp(course, frames);
    return esp ? judge_input(course, cell, *esp) : Differences{esp.error().cause};
}

void report(std::uint64_t pair, const std::string &what, const Differences &differences)
{
    std::string text;
    for (const std::string &difference : differences)
        text += difference + "\n";
    ADD_FAILURE() << what << ": " << text << "to repeat this pair alone:\n  "
                  << "selftests/vm/run.sh -- selftests/oracle.sh --gtest_filter='Random.*' --seed "
                  << run.seed << " --pair " << pair;
}

// Which of them is it? Alone, unless it takes the others.
void narrow(const Course &course, const Cell &cell, Direction direction, std::uint64_t first,
            const std::vector<Bytes> &frames, const Differences &together)
{
    for (std::size_t i = 0; i < frames.size(); i++) {
        const Differences alone = judge(course, cell, direction, {frames[i]});
        if (!alone.empty()) {
            report(first + i, describe(cell, direction), alone);
            return;
        }
    }
    report(first, "in a burst of twenty: " + describe(cell, direction), together);
}

void run_group(std::uint64_t group)
{
    Generator random(group);
    const Direction direction = random.one_in(2) ? Direction::input : Direction::output;
    const Cell cell = random_cell(random);
    const auto course = install(cell, direction);
    ASSERT_TRUE(course) << describe(cell, direction) << ": " << course.error().cause;
    std::vector<Bytes> frames;
    for (std::uint64_t i = 0; i < packets_each; i++) {
        const Bytes frame = make_frame(course->path, random_shape(random, course->path));
        if (!run.only || *run.only == group * packets_each + i)
            frames.push_back(frame);
    }
    const Differences differences = judge(*course, cell, direction, frames);
    if (differences.empty())
        return;
    if (run.only)
        report(*run.only, describe(cell, direction), differences);
    else
        narrow(*course, cell, direction, group * packets_each, frames, differences);
}

int failures()
{
    return testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
}

TEST(Random, PairsAreTheSameByBothPaths)
{
    const std::uint64_t groups = (run.pairs + packets_each - 1) / packets_each;
    if (run.only) {
        run_group(*run.only / packets_each);
        return;
    }
    std::printf("seed %llu, %llu pairs\n", static_cast<unsigned long long>(run.seed),
                static_cast<unsigned long long>(groups * packets_each));
    // After ten failures more of them tell nothing more.
    for (std::uint64_t group = 0; group < groups && failures() < 10; group++)
        run_group(group);
}

bool number(const char *text, std::uint64_t &value)
{
    const char *end = text + std::strlen(text);
    return std::from_chars(text, end, value).ptr == end && end != text;
}

} // namespace

const RandomRun &random_run()
{
    return run;
}

bool parse_random_run(int argc, char **argv)
{
    std::uint64_t pair = 0;
    for (int i = 1; i + 1 < argc; i++) {
        const std::string option = argv[i];
        if (option == "--seed" && !number(argv[i + 1], run.seed))
            return false;
        if (option == "--pairs" && !number(argv[i + 1], run.pairs))
            return false;
        if (option == "--pair") {
            if (!number(argv[i + 1], pair))
                return false;
            run.only = pair;
        }
    }
    return true;
}

} // namespace xfrm_xdp::oracle

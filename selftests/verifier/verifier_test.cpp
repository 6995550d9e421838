// SPDX-License-Identifier: GPL-2.0-or-later
// Programs that the verifier has to reject, and for which reason; beside each,
// the same program corrected, which it has to accept.
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <climits>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace xfrm_xdp::test {
namespace {

struct Rejected {
    const char *object;
    const char *program;
    const char *message; // in the verifier's log
    const char *corrected;
};

void PrintTo(const Rejected &test, std::ostream *out)
{
    *out << test.object << ": " << test.program;
}

constexpr const char *unreleased = "Unreleased reference";
constexpr const char *maybe_null = "Possibly NULL pointer passed to trusted arg";
constexpr const char *untrusted = "must be referenced or trusted";
constexpr const char *not_allowed = "is not allowed";

const Rejected rejected[] = {
    {"state", "input_never_released", unreleased, "good"},
    {"state", "output_released_where_not_done", unreleased, "good"},
    {"state", "input_not_checked", maybe_null, "good"},
    {"state", "output_not_checked", maybe_null, "good"},
    {"state", "output_of_null", maybe_null, "good"},
    // After the release there is no pointer left, only a number.
    {"state", "input_after_release", "pointer type STRUCT xfrm_state must point to", "good"},
    {"state", "input_of_a_cast", untrusted, "good"},
    {"state", "output_of_a_neighbour", untrusted, "good"},

    {"options", "larger_than_the_stack", "invalid", "good"},
    {"options", "larger_than_the_map_value", "invalid access to map value", "good_in_a_map"},
    {"options", "unbounded", "unbounded memory access", "good_bounded"},
    {"options", "null", maybe_null, "good"},
    {"options", "null_of_no_size", maybe_null, "good"},
    {"options", "map_value_not_checked", maybe_null, "good_in_a_map"},
    {"options", "read_only", "write into map forbidden", "good_in_a_map"},
    {"options", "number_for_a_pointer", "type=scalar", "good"},
    {"options", "context_moved", "modified ctx ptr", "good"},

    {"program_type", "flow_at_tc", not_allowed, "flow_at_xdp"},
    {"program_type", "forward_at_tc", not_allowed, "forward_at_xdp"},
    {"program_type", "forward_at_netfilter", not_allowed, "forward_at_xdp"},
    {"program_type", "forward_at_syscall", not_allowed, "forward_at_xdp"},
    {"program_type", "counts_at_tc", not_allowed, "counts_at_syscall"},
    {"program_type", "counts_at_xdp", not_allowed, "counts_at_syscall"},
    {"program_type", "forget_at_tc", not_allowed, "forget_at_syscall"},
    {"program_type", "forget_at_xdp", not_allowed, "forget_at_syscall"},
    {"program_type", "tailroom_at_tc", not_allowed, "tailroom_at_xdp"},
    {"program_type", "metadata_at_tc", not_allowed, "metadata_at_xdp"},
    {"program_type", "input_at_tc", not_allowed, "flow_at_xdp"},
    {"program_type", "output_at_tc", not_allowed, "flow_at_xdp"},
    {"program_type", "flow_at_netfilter", not_allowed, "flow_at_xdp"},
    {"program_type", "tailroom_at_netfilter", not_allowed, "tailroom_at_xdp"},
    {"program_type", "metadata_at_netfilter", not_allowed, "metadata_at_xdp"},
    {"program_type", "input_at_netfilter", not_allowed, "flow_at_xdp"},
    {"program_type", "output_at_netfilter", not_allowed, "flow_at_xdp"},
    {"program_type", "flow_at_tracepoint", not_allowed, "flow_at_xdp"},
    {"program_type", "restore_at_xdp", not_allowed, "restore_at_tc"},
    {"program_type", "restore_at_netfilter", not_allowed, "restore_at_tc"},
    {"program_type", "restore_at_tracepoint", not_allowed, "restore_at_tc"},
    {"program_type", "learn_at_xdp", not_allowed, "learn_at_netfilter"},
    {"program_type", "learn_at_tc", not_allowed, "learn_at_netfilter"},
    {"program_type", "learn_at_tracepoint", not_allowed, "learn_at_netfilter"},
};

std::string bpf_directory()
{
    if (const char *named = std::getenv("XFRM_XDP_BPF"))
        return std::string(named) + "/verifier";
    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
    const std::string exe(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    return exe.substr(0, exe.rfind('/')) + "/" + XFRM_XDP_TEST_BPF_DIR + "/verifier";
}

struct Closer {
    void operator()(bpf_object *object) const { bpf_object__close(object); }
};

struct Loaded {
    int error;
    std::string log;
};

// Loads one program of the object, and nothing else of it.
Loaded load(const std::string &name, const std::string &wanted)
{
    const std::string path = bpf_directory() + "/" + name + ".bpf.o";
    std::vector<char> log(1 << 20);
    LIBBPF_OPTS(bpf_object_open_opts, options);
    options.kernel_log_buf = log.data();
    options.kernel_log_size = log.size();
    options.kernel_log_level = 1;
    const std::unique_ptr<bpf_object, Closer> object(bpf_object__open_file(path.c_str(), &options));
    if (!object)
        return {-errno, "cannot open " + path};
    bool found = false;
    bpf_program *program;
    bpf_object__for_each_program(program, object.get())
    {
        const bool is_it = wanted == bpf_program__name(program);
        bpf_program__set_autoload(program, is_it);
        found |= is_it;
    }
    if (!found)
        return {-ENOENT, "no program " + wanted};
    const int error = bpf_object__load(object.get());
    return {error, log.data()};
}

class Verifier : public testing::TestWithParam<Rejected> {};

TEST_P(Verifier, RejectsWithTheRightReason)
{
    const Loaded loaded = load(GetParam().object, GetParam().program);
    EXPECT_TRUE(loaded.error == -EINVAL || loaded.error == -EACCES) << loaded.error;
    EXPECT_NE(loaded.log.find(GetParam().message), std::string::npos) << "the verifier said:\n"
                                                                      << loaded.log;
}

INSTANTIATE_TEST_SUITE_P(Table, Verifier, testing::ValuesIn(rejected), [](const auto &test) {
    return std::string(test.param.object) + "_" + test.param.program;
});

using Accepted = std::pair<std::string, std::string>; // object, program

// Each of the corrected programs once.
std::set<Accepted> accepted()
{
    std::set<Accepted> all;
    for (const Rejected &test : rejected)
        all.emplace(test.object, test.corrected);
    return all;
}

class Corrected : public testing::TestWithParam<Accepted> {};

TEST_P(Corrected, IsAccepted)
{
    const Loaded loaded = load(GetParam().first, GetParam().second);
    EXPECT_EQ(loaded.error, 0) << loaded.log;
}

INSTANTIATE_TEST_SUITE_P(Table, Corrected, testing::ValuesIn(accepted()), [](const auto &test) {
    return test.param.first + "_" + test.param.second;
});

int quiet(enum libbpf_print_level, const char *, va_list)
{
    return 0;
}

} // namespace
} // namespace xfrm_xdp::test

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    if (!testing::GTEST_FLAG(list_tests) && access("/sys/module/xfrm_xdp", F_OK) != 0) {
        std::fprintf(stderr, "%s: the module is not loaded; modprobe xfrm_xdp\n", argv[0]);
        return 2;
    }
    libbpf_set_print(xfrm_xdp::test::quiet);
    return RUN_ALL_TESTS();
}

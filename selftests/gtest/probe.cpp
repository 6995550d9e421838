// SPDX-License-Identifier: GPL-2.0-or-later
#include "probe.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <unistd.h>

namespace xfrm_xdp::test {
namespace {

// The first line of libbpf's that says why it failed.
std::string &last_warning()
{
    static std::string text;
    return text;
}

int remember(enum libbpf_print_level level, const char *format, va_list arguments)
{
    if (level != LIBBPF_WARN)
        return 0;
    char line[1024];
    const int length = std::vsnprintf(line, sizeof(line), format, arguments);
    last_warning() += line;
    return length;
}

std::string own_directory()
{
    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
    const std::string exe(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    return exe.substr(0, exe.rfind('/'));
}

constexpr std::size_t frame_max = 32768;

std::uint32_t size32(View bytes)
{
    return static_cast<std::uint32_t>(bytes.size());
}

} // namespace

std::string bpf_directory()
{
    const char *named = std::getenv("XFRM_XDP_BPF");
    return (named ? named : own_directory() + "/" + XFRM_XDP_TEST_BPF_DIR) + "/gtest";
}

void Probe::Closer::operator()(bpf_object *object) const
{
    bpf_object__close(object);
}

Result<Probe> Probe::load(const std::string &name)
{
    libbpf_set_print(remember);
    last_warning().clear();
    const std::string path = bpf_directory() + "/" + name + ".bpf.o";
    bpf_object *object = bpf_object__open_file(path.c_str(), nullptr);
    if (!object)
        return errno_error(errno, path);
    Probe probe(object);
    if (const int error = bpf_object__load(object))
        return errno_error(-error, path + ": " + last_warning());
    return probe;
}

Result<int> Probe::program_fd(const std::string &name) const
{
    const bpf_program *program = bpf_object__find_program_by_name(object_.get(), name.c_str());
    if (!program)
        return Error{"no program " + name, {}, ENOENT};
    return bpf_program__fd(program);
}

Result<int> Probe::map_fd(const std::string &name) const
{
    const int fd = bpf_object__find_map_fd_by_name(object_.get(), name.c_str());
    if (fd < 0)
        return Error{"no map " + name, {}, ENOENT};
    return fd;
}

Status Probe::set_map(const std::string &name, const void *value)
{
    const std::uint32_t zero = 0;
    const auto fd = map_fd(name);
    if (!fd)
        return fd.error();
    if (bpf_map_update_elem(*fd, &zero, value, BPF_ANY))
        return errno_error(errno, "map " + name);
    return Done{};
}

Status Probe::get_map(const std::string &name, void *value) const
{
    const std::uint32_t zero = 0;
    const auto fd = map_fd(name);
    if (!fd)
        return fd.error();
    if (bpf_map_lookup_elem(*fd, &zero, value))
        return errno_error(errno, "map " + name);
    return Done{};
}

Status Probe::prepare(const probe_request &request)
{
    const probe_result none{};
    if (const Status set = set_map("request", &request); !set)
        return set.error();
    return set_map("result", &none);
}

Result<Outcome> Probe::run(View frame, const ProbeRun &run)
{
    const auto fd = program_fd(run.program);
    if (!fd)
        return fd.error();
    if (const Status ready = prepare(run.request); !ready)
        return ready.error();

    Bytes in(run.metadata);
    in.insert(in.end(), frame.begin(), frame.end());
    Bytes out(frame_max);
    xdp_md context_in{}, context_out{};
    context_in.data = size32(run.metadata);
    context_in.data_end = size32(in);
    context_in.ingress_ifindex = static_cast<std::uint32_t>(run.ifindex);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = in.data();
    options.data_size_in = size32(in);
    options.data_out = out.data();
    options.data_size_out = size32(out);
    options.ctx_in = &context_in;
    options.ctx_size_in = sizeof(context_in);
    options.ctx_out = &context_out;
    options.ctx_size_out = sizeof(context_out);
    options.repeat = run.repeat;
    if (const int error = bpf_prog_test_run_opts(*fd, &options))
        return errno_error(-error, "BPF_PROG_TEST_RUN of " + run.program);

    Outcome outcome;
    outcome.action = options.retval;
    out.resize(options.data_size_out);
    const auto data = out.begin() + context_out.data;
    outcome.metadata.assign(out.begin(), data);
    outcome.frame.assign(data, out.end());
    if (const Status got = get_map("result", &outcome.result); !got)
        return got.error();
    return outcome;
}

Status Probe::inject(View frame, int ifindex, const std::string &program, int times)
{
    return test_run(frame, ifindex, program, times, BPF_F_TEST_XDP_LIVE_FRAMES);
}

Status Probe::repeat(View frame, int ifindex, const std::string &program, int times)
{
    return test_run(frame, ifindex, program, times, 0);
}

Status Probe::test_run(View frame, int ifindex, const std::string &program, int times,
                       std::uint32_t flags)
{
    const auto fd = program_fd(program);
    if (!fd)
        return fd.error();
    xdp_md context{};
    context.data_end = size32(frame);
    context.ingress_ifindex = static_cast<std::uint32_t>(ifindex);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = size32(frame);
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
    options.repeat = times;
    options.flags = flags;
    if (const int error = bpf_prog_test_run_opts(*fd, &options))
        return errno_error(-error, "BPF_PROG_TEST_RUN of " + program);
    return Done{};
}

Result<Outcome> Probe::run_other(View packet, const std::string &program, View context)
{
    const auto fd = program_fd(program);
    if (!fd)
        return fd.error();
    if (const Status ready = prepare({}); !ready)
        return ready.error();
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = packet.data();
    options.data_size_in = size32(packet);
    options.ctx_in = context.data();
    options.ctx_size_in = size32(context);
    options.repeat = 1;
    if (const int error = bpf_prog_test_run_opts(*fd, &options))
        return errno_error(-error, "BPF_PROG_TEST_RUN of " + program);
    Outcome outcome;
    outcome.action = options.retval;
    if (const Status got = get_map("result", &outcome.result); !got)
        return got.error();
    return outcome;
}

} // namespace xfrm_xdp::test

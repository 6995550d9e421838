// SPDX-License-Identifier: GPL-2.0-or-later
// Probe programs: loaded once, run on one frame at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "packet.hpp"
#include "result.hpp"
#include "xfrm_xdp_abi.hpp"

struct bpf_object;

namespace xfrm_xdp::test {

using packet::Bytes;
using packet::View;

// Where the BPF objects of the tests are: beside this program, or where
// XFRM_XDP_BPF says, which is how a test machine names those of its kernel.
std::string bpf_directory();

struct ProbeRun {
    std::string program = "probe";
    int ifindex = 0;
    int repeat = 1;
    Bytes metadata; // in front of the frame
    probe_request request{};
};

struct Outcome {
    std::uint32_t action = 0; // what the program returned
    Bytes frame;
    Bytes metadata;
    probe_result result{};
};

class Probe {
public:
    // NAME.bpf.o, with all programs in it.
    static Result<Probe> load(const std::string &name);
    Result<Outcome> run(View frame, const ProbeRun &run);
    // Up the stack of the device, as XDP_PASS does it.
    Status inject(View frame, int ifindex, const std::string &program, int times = 1);
    // An XDP program that leaves the frame as it is, time and again.
    Status repeat(View frame, int ifindex, const std::string &program, int times);
    // A program that is no XDP program, on a packet with an Ethernet header, with
    // the context that its type takes.
    Result<Outcome> run_other(View packet, const std::string &program, View context);
    Result<int> program_fd(const std::string &name) const;
    Result<int> map_fd(const std::string &name) const;
    Status set_map(const std::string &name, const void *value);
    Status get_map(const std::string &name, void *value) const;

private:
    struct Closer {
        void operator()(bpf_object *object) const;
    };
    explicit Probe(bpf_object *object) : object_(object) {}
    Status prepare(const probe_request &request);
    Status test_run(View frame, int ifindex, const std::string &program, int times,
                    std::uint32_t flags);
    std::unique_ptr<bpf_object, Closer> object_;
};

} // namespace xfrm_xdp::test

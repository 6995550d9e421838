// SPDX-License-Identifier: GPL-2.0-or-later
// An inbound SA that was learned from a packet of the stack.
#pragma once

#include <optional>

#include "fixture.hpp"

namespace xfrm_xdp::test {

class LearnedSa : public XfrmTest {
protected:
    void SetUp() override;
    void forget();
    void renew_within(const char *milliseconds);

    // A packet that goes through the stack, past the learner.
    void teach(View frame, const char *reason);

    // The SA's next packet, with the inner packet changed and the frame after it.
    Bytes esp(const std::function<void(esp::TunnelFrame &)> &change = {});
    // What is in it.
    Bytes plain() const;

    Outcome run(const char *object, View frame, const char *program = "probe",
                std::uint32_t strip = 0);

    // What bpf_xdp_xfrm_metadata() puts in front of a packet of the SA.
    xfrm_xdp_meta proven();

    std::optional<Sysctl> revalidate_;
    Sa sa_;
    packet::Packet inner_;
    bpf_xfrm_learn_opts::xfrm_xdp_flow_entry entry_{};
    std::uint64_t sequence_ = 0;
};

} // namespace xfrm_xdp::test

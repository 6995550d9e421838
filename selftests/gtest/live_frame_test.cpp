// SPDX-License-Identifier: GPL-2.0-or-later
// Frames that are not of their device's own receive path: those of live test runs, which
// have a receive queue that is registered, and nothing of the driver's behind them.
#include "learned.hpp"

#include <algorithm>

namespace xfrm_xdp::test {
namespace {

class LiveFrames : public LearnedSa {
protected:
    Sandbox &place() override { return veth_sandbox(); }
};

// A veth's driver has an sk_buff behind its frames, to tell of a tag; here there would be
// the frame. Whether tags are beside the frame only its features say then.
TEST_F(LiveFrames, ArePuntedWhateverIsInThem)
{
    constexpr int times = 100;
    constexpr std::size_t behind =
        packet::ethernet_length + packet::ipv4_length + esp::header_length;
    const Bytes whole = esp([](esp::TunnelFrame &frame) { frame.esp.payload.resize(600); });
    for (const int fill : {0, 0xff}) {
        SCOPED_TRACE(fill);
        Bytes frame = whole;
        std::fill(frame.begin() + behind, frame.end(), static_cast<std::uint8_t>(fill));
        const auto before = read_module_counters();
        ASSERT_TRUE(before) << before.error().cause;
        const Status injected =
            probe("probe_flow").inject(frame, sandbox().ifindex(), "probe_forward", times);
        ASSERT_TRUE(injected) << injected.error().cause;
        const auto after = read_module_counters();
        ASSERT_TRUE(after) << after.error().cause;
        EXPECT_EQ(packet_difference(*before, *after), (Counters{{"PuntVlan", times}}));
    }
}

} // namespace
} // namespace xfrm_xdp::test

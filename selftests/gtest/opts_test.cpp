// SPDX-License-Identifier: GPL-2.0-or-later
// The options of the primitives: sizes that do not fit, and what is written
// where.
#include "fixture.hpp"

#include <cstring>

namespace xfrm_xdp::test
{
namespace
{

struct SizeCase {
	const char *program;
	bool error_fits;
};

void PrintTo(const SizeCase &test, std::ostream *out)
{
	*out << test.program;
}

const SizeCase size_cases[] = {
	{"probe_tiny", false},
	{"probe_error_only", true},
	{"probe_short", true},
	{"probe_long", true},
};

class OptionSize : public XfrmTest, public testing::WithParamInterface<SizeCase>
{
};

TEST_P(OptionSize, IsPuntedAndSaidInError)
{
	constexpr std::uint8_t fill = 0xa5;
	for (const Way way : {Way::input, Way::output}) {
		const Sa sa = make_sa(way);
		ASSERT_NO_FATAL_FAILURE(add(sa));
		packet::Packet inner = inner_packet(Family::v4, 100);
		inner.ethernet = ethernet_header();
		const Bytes frame = way == Way::output
					    ? inner.build()
					    : encode(sa, esp_frame(sa, Family::v4, 1));
		ProbeRun run;
		run.program = GetParam().program;
		run.request.fill = fill;
		const Call call = this->call(way, frame, sa, run);

		EXPECT_EQ(call.verdict, XFRM_XDP_PUNT);
		EXPECT_EQ(call.outcome.action, 2U); // XDP_PASS
		EXPECT_EQ(call.module, (Counters{{"PuntOpts", 1}}));
		EXPECT_EQ(call.mib, Counters{});
		EXPECT_EQ(hex(call.outcome.frame), hex(frame));
		EXPECT_EQ(hex(call.after.raw), hex(call.before.raw));

		// Nothing but the error, and that only if it fits.
		bpf_xfrm_xdp_opts expected;
		std::memset(&expected, fill, sizeof(expected));
		if (GetParam().error_fits)
			expected.error = -EINVAL;
		EXPECT_EQ(std::memcmp(&call.outcome.result.opts, &expected, sizeof(expected)), 0);
		remove(sa);
	}
}

INSTANTIATE_TEST_SUITE_P(Sizes, OptionSize, testing::ValuesIn(size_cases),
			 [](const auto &test) { return std::string(test.param.program); });

// Rubbish in the options is no input: every result overwrites all of them.
TEST_F(XfrmTest, ResultsOverwriteTheOptions)
{
	const Sa sa = make_sa(Way::output);
	ASSERT_NO_FATAL_FAILURE(add(sa));
	packet::Packet inner = inner_packet(Family::v4, 100);
	inner.ethernet = ethernet_header();
	ProbeRun run;
	run.request.fill = 0xa5;
	const Call done = output(inner.build(), sa, run);
	expect_done(done, XFRM_XDP_R_OUTPUT_DONE);
	EXPECT_EQ(done.outcome.result.opts.seq, done.after.state.replay.oseq);

	std::get<packet::Ipv4>(inner.network).version = 5;
	const Call punt = output(inner.build(), sa, run);
	expect_punt(punt, inner.build(), XFRM_XDP_R_PUNT_IP_HEADER);
	EXPECT_EQ(punt.outcome.result.opts.spi, 0U);
	EXPECT_EQ(punt.outcome.result.opts.seq, 0U);
}

} // namespace
} // namespace xfrm_xdp::test

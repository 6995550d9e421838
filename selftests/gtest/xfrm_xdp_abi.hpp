// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's interface header, which leaves the fixed-width types to its
// includers.
#pragma once

#include <linux/types.h>

#include "probe.h"

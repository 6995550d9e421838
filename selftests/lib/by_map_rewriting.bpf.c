// SPDX-License-Identifier: GPL-2.0-only
/* by_map, which writes another port into what was decrypted before it looks for its flow. */
#define BY_MAP_FROM_PORT	5099
#define BY_MAP_TO_PORT		5001
#include "by_map.bpf.c"

# SPDX-License-Identifier: GPL-2.0-only
#
# What a person types; the rules that build are in scripts/build.mk.
#
#   KERNEL=stock|debug|PATH   the test kernel (default stock), see selftests/vm/kernel.sh
#   PREFIX=/usr/local  DESTDIR=   for install and uninstall

KERNEL ?= stock
PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := all
.NOTPARALLEL:

# Find the kernel and the tools, which may take their making, then build. Under a
# lock: several test machines may ask for the same build at once.
jobs = $(if $(findstring j,$(firstword -$(MAKEFLAGS))),,-j$(shell nproc))
define build
	+@mkdir -p build && \
	answer=$$(selftests/vm/kernel.sh $(1)) && eval "$$answer" && \
	libbpf=$$(scripts/libbpf.sh) && \
	flock build/.lock $(MAKE) $(jobs) --no-print-directory -f scripts/build.mk KBUILD="$$KBUILD" \
		RELEASE="$$RELEASE" NAME="$$NAME" MODULES="$$MODULES" LIBBPF="$$libbpf" $(2)
endef

.PHONY: all module bpf userspace unit lint-module
all: ## build the module for KERNEL, the BPF objects, the command and the tests
	$(call build,$(KERNEL),all)

module: ## build the kernel module for KERNEL
	$(call build,$(KERNEL),module)

bpf: ## build the BPF objects, libbpf and bpftool
	$(call build,$(KERNEL),bpf)

userspace: ## build the command xfrm-xdp
	$(call build,$(KERNEL),userspace)

unit:
	$(call build,$(KERNEL),unit)

lint-module:
	$(call build,$(KERNEL),lint-module)

.PHONY: install uninstall
install: ## build for the running kernel and install there (PREFIX, DESTDIR)
	$(call build,running,module bpf userspace)
	@scripts/install.sh '$(DESTDIR)' '$(PREFIX)'

uninstall: ## remove what install installed
	@scripts/install.sh --remove '$(DESTDIR)' '$(PREFIX)'

.PHONY: prerequisites auto-prerequisites demo smoke check test
prerequisites: ## install the Debian packages that 'make install' needs (as root)
	@scripts/prerequisites.sh build

auto-prerequisites:
	@scripts/prerequisites.sh --auto all

demo: auto-prerequisites ## two gateways in the test machine: see the job done, and out/demo.json
	@selftests/demo/demo.sh

smoke: auto-prerequisites ## build, boot, one packet encrypted and one decrypted
	@selftests/vm/run.sh --kernel $(KERNEL) -- selftests/smoke.sh

check: auto-prerequisites ## everything that needs no test machine
	@scripts/test.sh check

test: auto-prerequisites ## check, and all tests in the test machine running KERNEL (LEAKS=1)
	@LEAKS=$(LEAKS) scripts/test.sh all $(KERNEL)

.PHONY: matrix check-matrix nightly scale faults
matrix: ## Documentation/matrix.rst again, from the table of the oracle's tests
	$(call build,$(KERNEL),matrix)

check-matrix:
	$(call build,$(KERNEL),check-matrix)

PAIRS ?= 100000
SEED ?= $(shell date +%Y%m%d)
nightly: auto-prerequisites ## random SAs, policies and packets by both paths (SEED, PAIRS=100000)
	@selftests/vm/run.sh --kernel $(KERNEL) --timeout 7200 -- selftests/oracle.sh \
		--gtest_filter='Random.*' --seed $(SEED) --pairs $(PAIRS)
	@selftests/vm/run.sh --kernel $(KERNEL) --timeout 7200 -- selftests/policies.sh \
		--seed $(SEED) --pairs $(PAIRS)

faults: auto-prerequisites ## all tests on the debug kernel while memory is short
	@rc=0; for share in 3 1 2; do \
		selftests/vm/run.sh --kernel debug --nic 4 --smp $$((share == 2 ? 2 : 1)) \
			--timeout 14400 -- selftests/run_all.sh --faults --share $$share || rc=$$?; \
	done; exit $$rc

TUNNELS ?= 10000
scale: auto-prerequisites ## a million flows over 10,000 tunnels (TUNNELS=10000)
	@selftests/vm/run.sh --kernel $(KERNEL) --mem 5120 --timeout 7200 -- \
		selftests/scale.sh $(TUNNELS)

.PHONY: bench bench-build bench-check bench-reference bench-docs
bench: auto-prerequisites ## what a packet costs by each path (QUICK=1, NATIVE=1)
	@selftests/bench/$(if $(NATIVE),native.sh,bench.sh $(if $(QUICK),quick,full))

bench-build:
	$(call build,$(KERNEL),module bench-modules bpf userspace)

bench-check: auto-prerequisites ## that no packet costs more than it did
	@selftests/bench/bench.sh check

bench-reference: auto-prerequisites ## what bench-check compares with, again
	@selftests/bench/bench.sh reference

bench-docs: ## table and plots of the last bench, for Documentation
	@mkdir -p Documentation/bench
	@cp out/bench.txt out/bench-*.svg Documentation/bench/

.PHONY: clean help
clean: ## remove what was built here (not the cache of kernels and tools)
	rm -rf build

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 20

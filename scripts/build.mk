# SPDX-License-Identifier: GPL-2.0-only
#
# The rules that build; called by the top Makefile, which has found out:
#
#   KBUILD RELEASE NAME MODULES   of the kernel to build for (see kernel.sh)
#   LIBBPF                        prefix of libbpf and bpftool (see libbpf.sh)

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

BUILD := $(CURDIR)/build
BIN := $(BUILD)/bin
BPF_OUT := $(BUILD)/bpf

.PHONY: all module bench-modules bpf userspace tests unit lint-module
all: module bench-modules bpf userspace tests
	@:

# --- module

# Built in a directory per kernel, of links to the sources: kernels do not get
# into each other's way, and the sources stay clean.
MODULE_OUT := $(BUILD)/$(NAME)/module
MODULE := $(MODULE_OUT)/xfrm_xdp.ko
MODULE_SRC := $(shell find kernel -name '*.[ch]' -o -name Kbuild)
INDEX := $(BUILD)/$(NAME)/lib/modules/$(RELEASE)
NEW_INDEX := $(BUILD)/$(NAME)/new/lib/modules/$(RELEASE)

module: $(INDEX)/modules.dep
	@:

# link_sources FROM TO
define link_sources
	mkdir -p $(2)
	find $(2) -type l -delete
	ln -s $(CURDIR)/$(1)/* $(2)/
endef

$(MODULE): $(MODULE_SRC) $(KBUILD)/include/config/kernel.release scripts/build.mk
	@scripts/kernel_supported.sh $(RELEASE)
	@echo '  MODULE  $(NAME)'
	@$(call link_sources,kernel,$(MODULE_OUT))
	@# Not our caller's jobserver and goals: this is another makefile's world.
	@env -u MAKELEVEL $(MAKE) -s -C $(KBUILD) M=$(MODULE_OUT) modules
	@scripts/has_btf.sh $@
	@touch $@

# What the benchmark loads by itself, from here.
BENCH_OUT := $(BUILD)/$(NAME)/bench
BENCH_SRC := $(wildcard selftests/bench/module/*)

bench-modules: $(BENCH_OUT)/ok
	@:

$(BENCH_OUT)/ok: $(BENCH_SRC) $(KBUILD)/include/config/kernel.release scripts/build.mk
	@echo '  MODULES bench'
	@$(call link_sources,selftests/bench/module,$(BENCH_OUT))
	@env -u MAKELEVEL $(MAKE) -s -C $(KBUILD) M=$(BENCH_OUT) modules
	@touch $@

# What the test machine gets as /lib/modules/RELEASE, besides the kernel's own
# modules: our module, and an index of all.
$(INDEX)/modules.dep: $(MODULE)
	@rm -rf $(NEW_INDEX)
	@mkdir -p $(NEW_INDEX)/updates
	@cp $(MODULE) $(NEW_INDEX)/updates/
	@if [ $(MODULES) = - ]; then \
		cp $(KBUILD)/modules.order $(KBUILD)/modules.builtin* $(NEW_INDEX)/; \
	else \
		ln -s $(MODULES)/kernel $(NEW_INDEX)/kernel; \
		cp $(MODULES)/modules.order $(MODULES)/modules.builtin $(MODULES)/modules.builtin.modinfo $(NEW_INDEX)/; \
	fi
	@depmod -b $(BUILD)/$(NAME)/new $(RELEASE)
	@# A machine may be starting up with it just now.
	@rm -rf $(INDEX) && mkdir -p $(@D:/$(RELEASE)=) && mv $(NEW_INDEX) $(INDEX)

# --- BPF

# The programs are relocated when they are loaded (CO-RE): one set of objects
# serves every kernel, whichever the types were taken from.
VMLINUX := $(firstword \
	$(lastword $(sort $(wildcard /usr/src/linux-headers-6.12.*-cloud-amd64/vmlinux))) \
	$(wildcard $(KBUILD)/vmlinux /sys/kernel/btf/vmlinux))
CLANG ?= clang
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Werror \
	-D__TARGET_ARCH_x86 -Ikernel -Ibpf -I$(BPF_OUT) -isystem $(LIBBPF)/include

BPF_OBJ := $(patsubst bpf/%.bpf.c,$(BPF_OUT)/%.bpf.o,$(wildcard bpf/*.bpf.c))

bpf: $(BPF_OBJ) $(BPF_OBJ:.bpf.o=.skel.h) $(BIN)/bpftool
	@:

$(BPF_OUT)/vmlinux.h: $(VMLINUX) | $(LIBBPF)/ok
	@mkdir -p $(@D)
	@[ -n "$(VMLINUX)" ] || { \
		echo "error: no kernel with BTF to take types from: install linux-headers-6.12-cloud-amd64" >&2; exit 1; }
	@$(LIBBPF)/bin/bpftool btf dump file $(VMLINUX) format c >$@

$(BPF_OUT)/%.bpf.o: bpf/%.bpf.c $(BPF_OUT)/vmlinux.h scripts/build.mk
	@mkdir -p $(@D)
	@echo '  BPF     $(@F)'
	@$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@

$(BPF_OUT)/%.skel.h: $(BPF_OUT)/%.bpf.o
	@$(LIBBPF)/bin/bpftool gen skeleton $< name $(*F) >$@

-include $(BPF_OBJ:.o=.d)

# In PATH of the test machine: the distribution's bpftool is too old, if there.
$(BIN)/bpftool: $(LIBBPF)/bin/bpftool
	@mkdir -p $(@D)
	@install $< $@

# --- userspace

# Each checkout compiles the same C++: what one has compiled the next one need not, wherever it is.
CXX := $(if $(shell command -v ccache),ccache) g++
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

PLACES := BIN=$(BIN) BPF_OUT=$(BPF_OUT) LIBBPF=$(LIBBPF) KERNEL_INC=$(CURDIR)/kernel CXX="$(CXX)"

userspace: bpf
	@$(MAKE) -s --no-print-directory -C userspace OUT=$(BUILD)/userspace $(PLACES) all

unit:
	@$(MAKE) -s --no-print-directory -C userspace OUT=$(BUILD)/userspace $(PLACES) check

# --- what runs in the test machine

tests: bpf
	@$(MAKE) -s --no-print-directory -C selftests/gtest OUT=$(BUILD)/selftests $(PLACES) all

# --- the support matrix, which is the table of the oracle's tests

ORACLE := $(BUILD)/selftests/xfrm_xdp_oracle
.PHONY: oracle matrix check-matrix
oracle: bpf
	@$(MAKE) -s --no-print-directory -C selftests/gtest OUT=$(BUILD)/selftests $(PLACES) $(ORACLE)

matrix: oracle
	@$(ORACLE) --matrix >Documentation/matrix.rst

check-matrix: oracle
	@$(ORACLE) --matrix | diff -u Documentation/matrix.rst - || \
		{ echo "Documentation/matrix.rst is not what the tests say; run 'make matrix'" >&2; exit 1; }

# --- the modules once more, with the compiler and sparse at their most talkative

LINT_OUT := $(BUILD)/$(NAME)/lint
lint-module: $(LINT_OUT)/kernel/ok $(LINT_OUT)/selftests/bench/module/ok
	@:

# Only what points at our files: the kernel's headers have warnings too.
# sparse does not know that kfuncs are global without a declaration.
define lint
	@$(call link_sources,$(1),$(@D))
	@env -u MAKELEVEL $(MAKE) -s -C $(KBUILD) M=$(@D) W=1 C=2 modules >$(@D)/log 2>&1 || \
		{ cat $(@D)/log; exit 1; }
	@! grep -E '^(\S*/)?$(2)_\S*: (warning|error)' $(@D)/log | \
		grep -v "symbol 'bpf_.*' was not declared"
	@touch $@
endef

$(LINT_OUT)/kernel/ok: $(MODULE_SRC) scripts/build.mk
	$(call lint,kernel,xfrm_xdp)

$(LINT_OUT)/selftests/bench/module/ok: $(BENCH_SRC) scripts/build.mk
	$(call lint,selftests/bench/module,bench)

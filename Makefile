# Everything a newcomer and a developer type; `make help` lists it. Meson and ninja do the building.
BUILD   = build
PREFIX  = /usr/local
FOR     =
LIBCHDB = deps/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so
# meson says much when all is well, and on stdout when it is not
meson   = @said=$$($(1) meson setup $(@D) $(2) 2>&1) || { echo "$$said" | tail -n 20 >&2; exit 1; }
comma   = ,

.PHONY: all demo test asan tsan fuzz bench format docs check install clean help
.DELETE_ON_ERROR:

all: $(BUILD)/build.ninja ## build build/tailrace, after installing what it needs
	@ninja -C $(BUILD) --quiet

demo: build/ready/demo all ## mirror an online shop live; FOR=20: for 20 s, then compare and exit
	@$(BUILD)/tailrace demo $(if $(FOR),--for $(FOR))

test: build/ready/test all build-asan/build.ninja ## every check and every test; T=NAME: tests whose path has it
	@ninja -C build-asan --quiet unit
	@$(MAKE) --no-print-directory check
	@tests/run $(T)

asan: build-asan/build.ninja ## build with AddressSanitizer and UBSan, run the unit and golden tests
	@ninja -C build-asan --quiet unit
	@tests/run build-asan/

tsan: build-tsan/build.ninja ## build with ThreadSanitizer, run the unit tests
	@ninja -C build-tsan --quiet unit
	@tests/run build-tsan/

fuzz: build-fuzz/build.ninja ## let each decoder's fuzzer run for FOR seconds (60)
	@ninja -C build-fuzz --quiet fuzz
	@tests/fuzz/run $(or $(FOR),60)

bench: build/ready/demo build/ready/test $(if $(filter no,$(PEERS)),,build/ready/bench) all ## measure; PARTS=copy,build: those alone, PEERS=no: no peers; writes docs/benchmarks.md
	@bench/run $(if $(PARTS),--only $(PARTS))

format: build/ready/test ## format the C files
	@tools/check-format --write

docs: all ## write the configuration reference and the man page
	@tools/check-docs --write

check: build/ready/test all ## layers, sizes, format, docs
	@tools/check-layers
	@tools/check-sizes
	@tools/check-format
	@tools/check-docs

install: all ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/tailrace $(DESTDIR)$(PREFIX)/bin/tailrace
	install -D -m 644 $(LIBCHDB) $(DESTDIR)$(PREFIX)/lib/tailrace/libchdb.so
	install -D -m 644 docs/tailrace.1 $(DESTDIR)$(PREFIX)/share/man/man1/tailrace.1
	sed 's|/usr/local/|$(PREFIX)/|' deploy/tailrace.service | \
		install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/tailrace.service

clean: ## remove what was built; libchdb stays in deps/node_modules
	rm -rf build build-asan build-tsan build-fuzz

help: ## this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

# tools/setup installs what a group of targets needs, and leaves a stamp, so that it runs once.
build/ready/%: tools/setup deps/package-lock.json tests/deps/package-lock.json $(wildcard tests/deps/maven/*/pom.xml) $(LIBCHDB)
	@tools/setup build $*

$(LIBCHDB):
	@tools/setup build

$(BUILD)/build.ninja: | build/ready/build
	@echo "building tailrace" >&2
	$(call meson)

# The warnings are those of the build that optimizes; with this one they would be others, and half of it twice.
build-asan/build.ninja: | build/ready/build
	$(call meson,,-Db_sanitize=address$(comma)undefined -Db_lundef=false -Doptimization=0 -Dc_args=-w)

build-tsan/build.ninja: | build/ready/build
	$(call meson,,-Db_sanitize=thread -Db_lundef=false)

build-fuzz/build.ninja: | build/ready/fuzz
	$(call meson,CC=clang-14,-Dfuzz=true -Db_sanitize=address$(comma)undefined -Db_lundef=false)

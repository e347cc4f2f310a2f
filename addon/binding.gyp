{
  "target_defaults": {
    "cflags": ["-Wall", "-Wextra", "-Werror"],
    "cflags_c": ["-std=gnu17"],
    "conditions": [["target_arch=='arm64'", { "cflags": ["-mno-outline-atomics"] }]]
  },
  "targets": [
    {
      "target_name": "wasbox",
      "sources": [
        "src/addon.cc",
        "src/asking.cc",
        "src/files.cc",
        "src/host.cc",
        "src/launch.cc",
        "src/threads.cc",
        "plan_check.c",
        "supervisor/ask.c",
        "supervisor/calls.c",
        "supervisor/executable.c",
        "supervisor/judge.c",
        "supervisor/launch.c",
        "supervisor/notify.c",
        "supervisor/privileged.c",
        "supervisor/probe.c",
        "supervisor/questions.c",
        "supervisor/screen.c",
        "supervisor/supervise.c",
        "supervisor/terminal.c"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions"],
      "cflags_cc": ["-fexceptions", "-Wno-unused-parameter"],
      "ldflags": ["-static-libgcc", "-static-libstdc++"]
    },
    {
      "target_name": "wasbox-front",
      "type": "executable",
      "sources": [
        "sys/start.S",
        "sys/libc.c",
        "sys/memory.c",
        "front/entry.c",
        "front/facts.c",
        "front/layer.c",
        "front/leave.c",
        "front/main.c",
        "front/node.c",
        "front/start.c",
        "front/text.c",
        "front/witness.c",
        "plan_check.c",
        "supervisor/calls.c",
        "supervisor/executable.c",
        "supervisor/judge.c",
        "supervisor/launch.c",
        "supervisor/notify.c",
        "supervisor/screen.c",
        "supervisor/supervise.c",
        "supervisor/terminal.c"
      ],
      "defines": ["START_MAIN=front_main"],
      "cflags!": ["-fPIC", "-pthread", "-O3", "-fno-omit-frame-pointer"],
      "cflags": [
        "-O2",
        "-ffreestanding",
        "-ffunction-sections",
        "-fno-builtin",
        "-fno-tree-loop-distribute-patterns",
        "-fno-stack-protector",
        "-fno-asynchronous-unwind-tables",
        "-fno-pie",
        "-U_FORTIFY_SOURCE"
      ],
      "ldflags!": ["-pthread", "-rdynamic"],
      "ldflags": ["-nostdlib", "-static", "-Wl,--gc-sections", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noseparate-code"],
      "libraries!": ["-pthread"]
    },
    {
      "target_name": "wasbox-init",
      "type": "executable",
      "sources": [
        "sys/start.S",
        "plan_check.c",
        "init/confine.c",
        "init/main.c",
        "init/mounts.c",
        "init/network.c",
        "init/payload.c",
        "init/report.c",
        "init/stdio.c",
        "init/string.c",
        "sys/memory.c",
        "init/terminal.c"
      ],
      "cflags!": ["-fPIC", "-pthread", "-O3", "-fno-omit-frame-pointer"],
      "cflags": [
        "-Os",
        "-ffreestanding",
        "-fno-builtin",
        "-fno-tree-loop-distribute-patterns",
        "-fno-stack-protector",
        "-fno-asynchronous-unwind-tables",
        "-fno-pie"
      ],
      "ldflags!": ["-pthread", "-rdynamic"],
      "ldflags": ["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noseparate-code"],
      "libraries!": ["-pthread"]
    }
  ]
}

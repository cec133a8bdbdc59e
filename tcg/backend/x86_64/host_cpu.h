#pragma once

#include <cpuid.h>

namespace vireo::tcg::x86_64 {

/// Optional instructions of the host's processor (CPUID, SDM volume 2).
struct HostCpu {
  bool adx = false;
  bool bmi2 = false;
  bool ssse3 = false;
  bool sse41 = false;
  bool sse42 = false;
  bool sse3 = false;
  bool cmpxchg16b = false;
  bool popcnt = false;
  bool lzcnt = false;
  bool tzcnt = false;
  bool avx = false;
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool aes = false;
  bool pclmulqdq = false;
  bool sha = false;
  bool vaes = false;
  bool vpclmulqdq = false;

  static HostCpu detect() {
    __builtin_cpu_init();
    HostCpu cpu;
    cpu.bmi2 = __builtin_cpu_supports("bmi2");
    cpu.sse3 = __builtin_cpu_supports("sse3");
    cpu.ssse3 = __builtin_cpu_supports("ssse3");
    cpu.sse41 = __builtin_cpu_supports("sse4.1");
    cpu.sse42 = __builtin_cpu_supports("sse4.2");
    cpu.popcnt = __builtin_cpu_supports("popcnt");
    cpu.lzcnt = __builtin_cpu_supports("lzcnt");
    cpu.tzcnt = __builtin_cpu_supports("bmi");
    cpu.avx = __builtin_cpu_supports("avx");
    cpu.avx2 = __builtin_cpu_supports("avx2");
    cpu.f16c = __builtin_cpu_supports("f16c");
    cpu.fma = __builtin_cpu_supports("fma");
    cpu.aes = __builtin_cpu_supports("aes");
    cpu.pclmulqdq = __builtin_cpu_supports("pclmul");
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    __get_cpuid(1, &eax, &ebx, &ecx, &edx);
    cpu.cmpxchg16b = ecx >> 13 & 1;
    __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
    cpu.adx = ebx >> 19 & 1;
    cpu.sha = ebx >> 29 & 1;
    cpu.vaes = ecx >> 9 & 1;
    cpu.vpclmulqdq = ecx >> 10 & 1;
    return cpu;
  }
};

}  // namespace vireo::tcg::x86_64

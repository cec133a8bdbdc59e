// Protection keys under Linux: what PKRU forbids is SIGSEGV with the key, at once and in every
// process, and is allowed again as soon as PKRU says so. Prints how many accesses were refused.

#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kRounds = 4000, kPage = 4096, kPages = 4, kForkEvery = 500 };

static sigjmp_buf refused;
static volatile sig_atomic_t code, fault_key;

static void on_fault(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  code = info->si_code;
  fault_key = (int)info->si_pkey;
  siglongjmp(refused, 1);
}

// Whether the access is refused for the key. Handlers begin with PKRU's initial value, which stays.
static int is_refused(volatile char* at, int is_write, int key, unsigned rights) {
  pkey_set(key, rights);
  if (sigsetjmp(refused, 1) == 0) {
    char value = is_write ? 1 : *at;
    if (is_write) *at = value;
    return 0;
  }
  pkey_set(key, 0);
  return code == SEGV_PKUERR && fault_key == key;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  volatile char* memory =
      mmap(NULL, kPage * kPages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const int key = pkey_alloc(0, 0);
  if (key < 0) return puts("no protection keys"), 1;
  pkey_mprotect((void*)memory, kPage * kPages, PROT_READ | PROT_WRITE, key);
  unsigned count = 0, wrong = 0;
  for (int i = 0; i < kRounds; ++i) {
    volatile char* at = memory + i % kPages * kPage;
    *at = (char)i;
    count += is_refused(at, 1, key, PKEY_DISABLE_WRITE);
    pkey_set(key, PKEY_DISABLE_WRITE);
    wrong += *at != (char)i;
    count += is_refused(at, 0, key, PKEY_DISABLE_ACCESS);
    wrong += *at != (char)i;
    if (i % kForkEvery != 0) continue;
    const pid_t child = fork();
    if (child == 0) _exit(is_refused(at, 1, key, PKEY_DISABLE_ACCESS) ? 0 : 1);
    int status = 1;
    waitpid(child, &status, 0);
    wrong += status != 0;
  }
  printf("pkeys: %u refused, %u wrong\n", count, wrong);
  return 0;
}

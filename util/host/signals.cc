#include "util/host/signals.h"

#include <pthread.h>
#include <signal.h>

#include <initializer_list>

namespace vireo::util {

void leave_signals_to_others() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPROF}) {
    sigdelset(&signals, own);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace vireo::util

/* Floating point programs, in double (SSE2) and, one, in long double (x87). No function of libm
 * takes part, so that the checksums do not depend on the CPU that libm finds. */
#include <string.h>

#include "workload.h"

static double random_double(uint64_t* seed) {
  return (double)(next_random(seed) >> 40) / (1 << 24) - 0.5;
}

static void fill(double* values, size_t count, uint64_t seed) {
  for (size_t i = 0; i < count; i++) values[i] = random_double(&seed);
}

uint64_t matrix(void) {
  enum { kSize = 384 };
  const size_t bytes = sizeof(double) * kSize * kSize;
  double *a = allocate(bytes), *b = allocate(bytes), *c = allocate(bytes);
  fill(a, kSize * kSize, 1);
  fill(b, kSize * kSize, 2);
  restart_clock();
  for (int round = 0; round < 8; round++) {
    memset(c, 0, bytes);
    for (size_t i = 0; i < kSize; i++) {
      for (size_t k = 0; k < kSize; k++) {
        double factor = a[i * kSize + k];
        for (size_t j = 0; j < kSize; j++) c[i * kSize + j] += factor * b[k * kSize + j];
      }
    }
  }
  return checksum(c, bytes / 16);
}

/* LU decomposition of a dense matrix with partial pivoting, the heart of Linpack. */
static void decompose(double* a, size_t size) {
  for (size_t k = 0; k < size; k++) {
    size_t pivot = k;
    for (size_t i = k + 1; i < size; i++) {
      if (__builtin_fabs(a[i * size + k]) > __builtin_fabs(a[pivot * size + k])) pivot = i;
    }
    for (size_t j = 0; j < size; j++) {
      double swapped = a[k * size + j];
      a[k * size + j] = a[pivot * size + j];
      a[pivot * size + j] = swapped;
    }
    for (size_t i = k + 1; i < size; i++) {
      double factor = a[i * size + k] /= a[k * size + k];
      for (size_t j = k + 1; j < size; j++) a[i * size + j] -= factor * a[k * size + j];
    }
  }
}

uint64_t linpack(void) {
  enum { kSize = 896 };
  double* a = allocate(sizeof(double) * kSize * kSize);
  fill(a, kSize * kSize, 3);
  restart_clock();
  decompose(a, kSize);
  return checksum(a, sizeof(double) * kSize * 8);
}
struct body {
  double at[3], speed[3], mass;
};

static void advance(struct body* bodies, int count, double step) {
  for (int i = 0; i < count; i++) {
    for (int j = i + 1; j < count; j++) {
      double distance[3], square = 0.01;
      for (int k = 0; k < 3; k++) {
        distance[k] = bodies[i].at[k] - bodies[j].at[k];
        square += distance[k] * distance[k];
      }
      double force = step / (square * __builtin_sqrt(square));
      for (int k = 0; k < 3; k++) {
        bodies[i].speed[k] -= distance[k] * bodies[j].mass * force;
        bodies[j].speed[k] += distance[k] * bodies[i].mass * force;
      }
    }
  }
  for (int i = 0; i < count; i++) {
    for (int k = 0; k < 3; k++) bodies[i].at[k] += step * bodies[i].speed[k];
  }
}

uint64_t nbody(void) {
  enum { kBodies = 5, kSteps = 2000000 };
  struct body bodies[kBodies];
  uint64_t seed = 11;
  for (int i = 0; i < kBodies; i++) {
    for (int k = 0; k < 3; k++) {
      bodies[i].at[k] = 8 * random_double(&seed);
      bodies[i].speed[k] = random_double(&seed);
    }
    bodies[i].mass = 1 + random_double(&seed);
  }
  for (int step = 0; step < kSteps; step++) advance(bodies, kBodies, 0.0001);
  return checksum(bodies, sizeof bodies);
}

/* Powers of the first root of unity by repeated products: 2 cos and 2 sin of the angle come from a
 * Taylor series. */
static void roots_of_unity(double* real, double* imaginary, size_t count) {
  const double angle = -6.283185307179586 / (double)count;
  double cosine = 0, sine = 0, term = 1;
  for (int i = 0; i < 24; i++) {
    double* part = i % 2 ? &sine : &cosine;
    *part += i % 4 < 2 ? term : -term;
    term *= angle / (i + 1);
  }
  real[0] = 1;
  imaginary[0] = 0;
  for (size_t i = 1; i < count / 2; i++) {
    real[i] = real[i - 1] * cosine - imaginary[i - 1] * sine;
    imaginary[i] = real[i - 1] * sine + imaginary[i - 1] * cosine;
  }
}

/* Decimation in time over bit-reversed input, radix 2. */
static void transform(double* real, double* imaginary, const double* w_real,
                      const double* w_imaginary, size_t count) {
  for (size_t half = 1, stride = count / 2; half < count; half *= 2, stride /= 2) {
    for (size_t group = 0; group < count; group += 2 * half) {
      for (size_t i = 0; i < half; i++) {
        size_t low = group + i, high = low + half, w = i * stride;
        double x = real[high] * w_real[w] - imaginary[high] * w_imaginary[w];
        double y = real[high] * w_imaginary[w] + imaginary[high] * w_real[w];
        real[high] = real[low] - x;
        imaginary[high] = imaginary[low] - y;
        real[low] += x;
        imaginary[low] += y;
      }
    }
  }
}

uint64_t fft(void) {
  enum { kCount = 1 << 15, kRounds = 160 };
  const size_t bytes = kCount * sizeof(double);
  double *real = allocate(bytes), *imaginary = allocate(bytes);
  double *w_real = allocate(bytes), *w_imaginary = allocate(bytes);
  roots_of_unity(w_real, w_imaginary, kCount);
  restart_clock();
  for (int round = 0; round < kRounds; round++) {
    fill(real, kCount, 4);
    fill(imaginary, kCount, 6);
    transform(real, imaginary, w_real, w_imaginary, kCount);
  }
  return checksum(real, bytes / 4) ^ checksum(imaginary, bytes / 4);
}

/* Sums a series by Kahan's method and takes roots, all on the x87 stack. */
uint64_t longdouble(void) {
  long double sum = 0, lost = 0;
  for (long i = 1; i < 18000000; i++) {
    long double term = 1.0L / (long double)i - lost, next = sum + term;
    lost = (next - sum) - term;
    sum = next;
    if (i % 64 == 0) sum -= __builtin_sqrtl(sum) * 1e-9L;
  }
  return checksum(&sum, 10);
}

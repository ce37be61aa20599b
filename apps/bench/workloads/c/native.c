/*
 * Times one program as native code: `native packet [rounds [milliseconds a round]]` prints the least nanoseconds of
 * processor time a run of 9 rounds of 20 ms, and the result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct context {
	unsigned char *data, *data_end;
};
int entry(struct context *c);

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static double time_runs(struct context *c, long runs, int *result)
{
	double start = now();

	for (long i = 0; i < runs; i++) {
		*result = entry(c);
		__asm__ volatile("" ::: "memory");
	}
	return now() - start;
}

int main(int argc, char **argv)
{
	static unsigned char bytes[4096];
	FILE *file = fopen(argv[1], "rb");
	struct context c = { bytes, bytes + fread(bytes, 1, sizeof(bytes), file) };
	long runs = 1, rounds = argc > 2 ? atol(argv[2]) : 9;
	double least = (argc > 3 ? atof(argv[3]) : 20) * 1e6;
	int result = 0;
	double best = 1e18;

	while (time_runs(&c, runs, &result) < least)
		runs *= 2;
	for (int round = 0; round < rounds; round++) {
		double each = time_runs(&c, runs, &result) / runs;

		if (each < best)
			best = each;
	}
	printf("%.3f %d\n", best, result);
}

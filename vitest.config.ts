import { defineConfig } from "vitest/config";

/** Tests read each package's source through the `@bpfkit/source` export condition, so no build is needed to run them. */
const conditions = ["@bpfkit/source", "import", "module", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tools/*/test/**/*.test.ts"],
    testTimeout: 30_000,
    // biome-ignore lint/suspicious/noUndeclaredEnvVars: turbo runs no tests
    setupFiles: process.env["BPFKIT_PROPERTY_SEED"] ? ["tools/workspace/property-seed.ts"] : [],
    // The default leaves one core idle, which on two is half of them.
    maxWorkers: "100%",
    reporters: ["default"],
  },
});

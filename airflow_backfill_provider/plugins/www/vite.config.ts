import { defineConfig } from "vite";

// React and the router are the host's: the pages live in its tree and history, and take colours from its theme.
const HOSTS: Record<string, string> = {
  react: "React",
  "react/jsx-runtime": "ReactJSXRuntime",
  "react-router-dom": "ReactRouterDOM",
};

export default defineConfig({
  define: { "process.env.NODE_ENV": '"production"' },
  oxc: { jsx: { runtime: "automatic", development: false } },
  build: {
    emptyOutDir: true,
    outDir: "dist",
    target: "es2022",
    lib: { entry: "src/main.tsx", name: "AirflowPlugin", formats: ["umd"], fileName: () => "backfill.umd.cjs" },
    rollupOptions: { external: Object.keys(HOSTS), output: { globals: HOSTS, exports: "default" } },
  },
});

import { defineConfig } from 'vite';

export default defineConfig({
  base: '/explorer/',
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 10_000,
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or fonts
    rolldownOptions: { onwarn: (warning, show) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || show(warning) },
  },
  worker: { format: 'es' },
});

import { defineConfig } from 'vite';

export default defineConfig({
  base: '/',
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // they know light-dark()
    chunkSizeWarningLimit: 10_000,
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or fonts
    rolldownOptions: {
      input: { explorer: 'explorer.html', workbench: 'workbench.html' },
      onwarn: (warning, show) => void (warning.code === 'MODULE_LEVEL_DIRECTIVE' || show(warning)),
    },
  },
  worker: { format: 'es' },
});

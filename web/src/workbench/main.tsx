import './design/theme.css';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { applyTheme } from './design/appearance';
import { startTranslation } from './i18n';
import { startSession } from './session/tokens';

applyTheme();
await Promise.all([startTranslation(), startSession()]);
createRoot(document.getElementById('workbench')!).render(<App />);

import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { examples } from './examples.js';
import { filesPlugin } from './files.jsx';
import { currentSession, fetcher, subscribeToSession } from './session.js';

const plugins = [HISTORY_PLUGIN, explorerPlugin(), filesPlugin];

function Explorer() {
  const { name } = useSyncExternalStore(subscribeToSession, currentSession);
  return (
    <GraphiQL fetcher={fetcher} plugins={plugins} defaultTabs={examples} defaultEditorToolsVisibility="variables">
      <GraphiQL.Logo>
        <span className="seshat-logo">
          Seshat <small>{name ? `Signed in as ${name}` : 'Not signed in'}</small>
        </span>
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

createRoot(document.getElementById('explorer')).render(<Explorer />);

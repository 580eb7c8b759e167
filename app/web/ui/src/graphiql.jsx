import { explorerPlugin } from '@graphiql/plugin-explorer';
import '@graphiql/plugin-explorer/style.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import '@graphiql/plugin-history/style.css';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import { createRoot } from 'react-dom/client';

import { CallerBar, authorization } from './caller.jsx';
import { EXAMPLES, EXAMPLES_PLUGIN } from './examples.jsx';
import './graphiql.css';

const BUNDLES = { json: 'json.worker.js', graphql: 'graphql.worker.js' };

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(`/static/${WORKERS[BUNDLES[label] ?? 'editor.worker.js']}`),
};

const config = JSON.parse(document.getElementById('config').textContent);
const parameters = new URLSearchParams(location.search);

async function fetcher(request, options) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...(await authorization()),
      ...options?.headers,
    },
    body: JSON.stringify(request),
  });
  return response.json();
}

// Links to the other pages of the service.
function OtherPages({ paths }) {
  const pages = ['/docs', '/readyz', '/healthz', '/metrics'].filter((path) => path in paths);
  return (
    <footer className="elsewhere">
      Other pages:{' '}
      {pages.map((path) => (
        <a key={path} href={path} title={paths[path]}>
          {path === '/docs' ? 'Manual' : path}
        </a>
      ))}
      <span>
        A program that requests <code>/</code> gets a list of all paths.
      </span>
    </footer>
  );
}

createRoot(document.getElementById('root')).render(
  <div className="page">
    <CallerBar development={config.development} callers={config.callers} />
    <GraphiQL
      fetcher={fetcher}
      plugins={[EXAMPLES_PLUGIN, explorerPlugin(), HISTORY_PLUGIN]}
      defaultTabs={[{ query: EXAMPLES[0].query }]}
      initialQuery={parameters.get('query') ?? undefined}
      initialVariables={parameters.get('variables') ?? undefined}
    >
      <GraphiQL.Logo>
        <a href="/graphql">Profile API</a>
      </GraphiQL.Logo>
    </GraphiQL>
    <OtherPages paths={config.paths} />
  </div>,
);

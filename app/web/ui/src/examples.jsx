// A pane of GraphiQL with example operations.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';

import { actFor } from './caller.jsx';
import history from './examples/history.graphql';
import metadata from './examples/metadata.graphql';
import profile from './examples/profile.graphql';
import support from './examples/support.graphql';
import users from './examples/users.graphql';

export const EXAMPLES = [profile, metadata, history, users, support].map((query) => ({
  title: query.slice(2, query.indexOf('\n')),
  isForApplication: query.slice(0, query.indexOf('\n')).includes('as a support application'),
  name: /^(?:query|mutation) (\w+)/m.exec(query)[1],
  query,
}));

function Examples() {
  const editor = useGraphiQL((state) => state.queryEditor);
  const { setOperationName, setVisiblePlugin } = useGraphiQLActions();
  function show({ name, query, isForApplication }) {
    editor?.setValue(query);
    actFor(isForApplication);
    // On a narrow screen, this pane covers the editor.
    if (matchMedia('(max-width: 700px)').matches) setVisiblePlugin(null);
    // The editor sets the name itself, but only after a delay. A visitor can press the Run button before.
    setOperationName(name);
  }
  return (
    <section aria-label="Examples" className="examples">
      <h2>Examples</h2>
      <ul>
        {EXAMPLES.map((example) => (
          <li key={example.title}>
            <button type="button" onClick={() => show(example)}>
              {example.title}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Icon() {
  return (
    <svg viewBox="0 0 24 24" width="1em" height="1em" fill="none" stroke="currentColor" strokeWidth="1.5">
      <title>Examples</title>
      <path d="M5 4h14v16H5zM9 9h6M9 13h6M9 17h3" />
    </svg>
  );
}

export const EXAMPLES_PLUGIN = { title: 'Examples', icon: Icon, content: Examples };

// Lints schema.graphql with graphql-eslint's rules for schemas. scripts/check runs it.
import graphql from '@graphql-eslint/eslint-plugin';

// What the rules report although it is right. The names and shapes are part of the contract with clients, so that they
// cannot change. An exception that is no longer needed is reported, too.
const EXCEPTIONS = {
  '@graphql-eslint/no-typename-prefix': {
    'Device.deviceId': 'The id that the login service gave to the device. Device.id is the global id.',
    'Role.roleId': 'The readable id of the role. Role.id is the global id.',
    'User.userId': 'The readable id of the user. User.id is the global id.',
    'User.userMetadata': 'Auth0 has the same name, and User.appMetadata is its counterpart.',
    'User.username': 'One word that happens to begin with the name of the type.',
  },
  '@graphql-eslint/strict-id-in-types': {
    Actor: 'A part of a log event. Its id is the claim sub of a token, not an id of GraphQL.',
    Caller: 'The token of the request. There is only one.',
    FieldChange: 'A part of a log event.',
    InputError: 'An error in a payload.',
    Location: 'A value: the location of an IP address.',
    LoginRule: 'Installed by the operator, and identified by its name.',
    PageInfo: 'Defined by Relay, without an id.',
    Permission: 'A part of a role, identified by its API and name.',
    PermissionSource: 'A part of a permission of a user.',
    RateLimit: 'The state of the limit of the caller. There is only one.',
    RootAttribute: 'A part of a profile, identified by its name.',
    SearchField: 'A field of the search language, identified by its name.',
    TotalCount: 'A value: the number of items in a list.',
    UpdateUserResult: 'A part of a payload, identified by its index.',
    UserAction: 'A part of a profile, identified by its name.',
    UserPermission: 'A part of a profile, identified by its API and name.',
    VersionConflictError: 'An error in a payload.',
  },
};
// Payloads are results of mutations. Relay defines connections and edges without an id.
const TYPES_WITHOUT_ID = ['Payload', 'Connection', 'Edge'];

// The element of the schema that a message is about.
function elementOf(message) {
  const [, field, type] = message.match(/^(?:Field "(\w+)".* )?type "(\w+)"/) ?? [];
  return field ? `${type}.${field}` : type;
}

function withoutExceptions([messages]) {
  const needed = new Set();
  const rest = messages.filter(({ ruleId, message }) => {
    const element = elementOf(message);
    const excepted = element in (EXCEPTIONS[ruleId] ?? {});
    if (excepted) needed.add(`${ruleId} ${element}`);
    return !excepted;
  });
  for (const [ruleId, elements] of Object.entries(EXCEPTIONS)) {
    for (const element of Object.keys(elements)) {
      if (needed.has(`${ruleId} ${element}`)) continue;
      rest.push({ ruleId, line: 1, column: 1, severity: 2, message: `The exception ${element} is not needed.` });
    }
  }
  return rest;
}

export default [
  {
    files: ['schema.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    processor: { preprocess: (text) => [text], postprocess: withoutExceptions },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      '@graphql-eslint/strict-id-in-types': ['error', { exceptions: { suffixes: TYPES_WITHOUT_ID } }],
    },
  },
];

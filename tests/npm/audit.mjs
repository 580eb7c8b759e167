// Runs the GraphQL over HTTP audit against the address given and prints what it found, as JSON.
import { serverAudits } from 'graphql-http';

const results = [];
for (const audit of serverAudits({ url: process.argv[2] })) {
  const result = await audit.fn();
  results.push({ name: audit.name, status: result.status, reason: result.reason });
}
console.log(JSON.stringify(results));

// Selects the caller whose token is sent with requests. The token is only in memory, so that no other page can read it. In
// development, the browser stores which caller was selected.
import { useEffect, useState, useSyncExternalStore } from 'react';

const STORAGE_KEY = 'profile-api.caller';
const FIRST = 'auth0|john.doe';
const APPLICATION = 'support@clients';

// A promise, so that a request that is sent immediately waits for the token of the selected caller.
let token = Promise.resolve('');
let chosen = { subject: '', message: '', failed: false };
let offered = [];
const listeners = new Set();

export async function authorization() {
  const value = await token.catch(() => '');
  return value ? { authorization: `Bearer ${value}` } : {};
}

async function fetchToken(subject) {
  const response = await fetch('/development/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ subject }),
  });
  if (!response.ok) throw new Error(`the service answered with status ${response.status}`);
  return (await response.json()).token;
}

function setState(state) {
  chosen = state;
  listeners.forEach((listener) => listener());
}

async function actAs(subject) {
  // Storage can be blocked. Then the selection lasts until the page is closed.
  try {
    localStorage.setItem(STORAGE_KEY, subject);
  } catch {}
  const requested = subject ? fetchToken(subject) : Promise.resolve('');
  token = requested;
  setState({ subject, message: '', failed: false });
  let message = subject ? 'Requests are sent with this caller’s token. Ctrl+Enter runs the query.' : '';
  let failed = false;
  try {
    await requested;
  } catch (error) {
    message = `No token: ${error.message}`;
    failed = true;
  }
  // In the meantime, the visitor can have selected another caller.
  if (token === requested) setState({ subject, message, failed });
}

function readStored() {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

const isOffered = (subject) => offered.some((each) => each.subject === subject);

// Selects a caller of the kind that an example needs: an application or a user.
export function actFor(isForApplication) {
  if (isForApplication === (chosen.subject === APPLICATION)) return;
  const subject = isForApplication ? APPLICATION : FIRST;
  if (isOffered(subject)) actAs(subject);
}

export function CallerBar({ development, callers }) {
  return (
    <header className="caller">
      {development ? <Picker callers={callers} /> : <Field />}
    </header>
  );
}

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function Picker({ callers }) {
  const { subject, message, failed } = useSyncExternalStore(subscribe, () => chosen);
  useEffect(() => {
    offered = callers;
    const known = readStored();
    const first = known === '' || isOffered(known) ? known : FIRST;
    actAs(first === '' || isOffered(first) ? first : '');
  }, [callers]);
  return (
    <>
      <strong>Development</strong>
      <label htmlFor="caller">Act as</label>
      <select id="caller" value={subject} onChange={(event) => actAs(event.target.value)}>
        <option value="">no caller (no token)</option>
        {callers.map((each) => (
          <option key={each.subject} value={each.subject}>
            {each.name}
          </option>
        ))}
      </select>
      <output htmlFor="caller" className={failed ? 'problem' : undefined}>
        {message}
      </output>
    </>
  );
}

function Field() {
  const [isSet, setIsSet] = useState(false);
  function change(event) {
    const value = event.target.value.trim().replace(/^bearer\s+/i, '');
    token = Promise.resolve(value);
    setIsSet(Boolean(value));
  }
  return (
    <>
      <label htmlFor="token">Bearer token</label>
      <input
        id="token"
        type="password"
        autoComplete="off"
        spellCheck="false"
        placeholder="Paste an access token of your login service"
        onChange={change}
      />
      <output htmlFor="token">{isSet ? 'Requests are sent with this token.' : 'Requests are sent without a token.'}</output>
    </>
  );
}

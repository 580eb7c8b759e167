// Whose token requests carry. A token is kept in memory only. In development the chosen caller is remembered, not the token.
import { useEffect, useState, useSyncExternalStore } from 'react';

const REMEMBERED = 'profile-api.caller';
const FIRST = 'auth0|john.doe';
const APPLICATION = 'support@clients';

// Settled when the chosen caller's token is there, so that a quick request waits for it.
let token = Promise.resolve('');
let chosen = { subject: '', message: '', failed: false };
let offered = [];
const listeners = new Set();

export async function authorization() {
  const value = await token.catch(() => '');
  return value ? { authorization: `Bearer ${value}` } : {};
}

async function tokenOf(subject) {
  const response = await fetch('/development/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ subject }),
  });
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  return (await response.json()).token;
}

function tell(state) {
  chosen = state;
  listeners.forEach((listener) => listener());
}

async function actAs(subject) {
  // Storage may be blocked, and then the choice lasts until the page is closed.
  try {
    localStorage.setItem(REMEMBERED, subject);
  } catch {}
  const asked = subject ? tokenOf(subject) : Promise.resolve('');
  token = asked;
  tell({ subject, message: '', failed: false });
  let message = subject ? 'Requests carry this caller’s token.' : '';
  let failed = false;
  try {
    await asked;
  } catch (error) {
    message = `No token: ${error.message}`;
    failed = true;
  }
  // Another caller may have been chosen meanwhile.
  if (token === asked) tell({ subject, message, failed });
}

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

const isOffered = (subject) => offered.some((each) => each.subject === subject);

// Takes the caller that an example is written for: an application, or a user.
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
    const known = remembered();
    const first = known === '' || isOffered(known) ? known : FIRST;
    actAs(first === '' || isOffered(first) ? first : '');
  }, [callers]);
  return (
    <>
      <strong>Development</strong>
      <label htmlFor="caller">Act as</label>
      <select id="caller" value={subject} onChange={(event) => actAs(event.target.value)}>
        <option value="">nobody (no token)</option>
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
        placeholder="Paste a token of your identity provider"
        onChange={change}
      />
      <output htmlFor="token">{isSet ? 'Requests carry this token.' : 'Requests carry no token.'}</output>
    </>
  );
}

// Whose token requests carry. It is kept in memory only: a reload forgets it.
import { useState } from 'react';

let token = '';

export function authorization() {
  return token ? { authorization: `Bearer ${token}` } : {};
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

export function CallerBar({ development, callers }) {
  return (
    <header className="caller">
      {development ? <Picker callers={callers} /> : <Field />}
    </header>
  );
}

function Picker({ callers }) {
  const [message, setMessage] = useState('');
  async function pick(event) {
    token = '';
    const subject = event.target.value;
    setMessage('');
    try {
      if (subject) token = await tokenOf(subject);
      setMessage(subject ? 'Requests carry this caller’s token.' : '');
    } catch (error) {
      setMessage(`No token: ${error.message}`);
    }
  }
  return (
    <>
      <strong>Development</strong>
      <label htmlFor="caller">Act as</label>
      <select id="caller" defaultValue="" onChange={pick}>
        <option value="">nobody (no token)</option>
        {callers.map(({ subject, name }) => (
          <option key={subject} value={subject}>
            {name}
          </option>
        ))}
      </select>
      <output htmlFor="caller">{message}</output>
    </>
  );
}

function Field() {
  const [isSet, setIsSet] = useState(false);
  function change(event) {
    token = event.target.value.trim().replace(/^bearer\s+/i, '');
    setIsSet(Boolean(token));
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

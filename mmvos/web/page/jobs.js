// What takes long: propagation and export. Both tell how far they are and can be stopped.

import { call, describe } from './api.js';
import { draw, go, reload, update } from './frames.js';
import { $, base, fail, queue, say, state } from './state.js';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function follow(path, box, onStep) {
  const key = state.project.key;
  box.hidden = false;
  let told = await call('GET', path);
  while (told?.state === 'running' && state.project?.key === key) {
    box.querySelector('progress').value = told.done / Math.max(told.total, 1);
    box.querySelector('p').textContent = describe(told);
    await onStep(told);
    await pause(300);
    told = await call('GET', path);
  }
  box.hidden = true;
  return state.project?.key === key ? told : null;
}

// Propagation

export function propagate() {
  if (state.job || !state.project.trusted.length) return;
  const range = $('range').value, body = {};
  if (range === 'on') body.first = state.frame;
  if (range === 'back') body.last = state.frame;
  $('follow').checked = true;
  queue(async () => { await call('POST', `${base()}/propagation`, body); watch(); });
}

export const stop = () => call('DELETE', `${base()}/propagation`).catch(fail);

// Also when a project is opened whose propagation somebody has started before.
export async function watch() {
  if (state.job) return;
  const path = `${base()}/propagation`;
  if ((await call('GET', path))?.state !== 'running') return;
  const key = state.project.key;
  state.job = { kind: 'propagation' };
  $('stop').hidden = false; $('propagate').hidden = true; $('range').disabled = true;
  let told = null;
  try {
    told = await follow(path, $('progress'), async ({ frame }) => {
      update(await call('GET', `projects/${key}`));
      if (frame >= 0 && $('follow').checked && !state.drag && !state.playing) await go(frame);
    });
  } catch (error) { fail(error); }
  state.job = null;
  $('stop').hidden = true; $('propagate').hidden = false; $('progress').hidden = true;
  if (!told) return;
  update(await call('GET', base()));
  await reload(); draw();
  if (told.state === 'failed') say(`Propagation failed: ${told.message}`, true);
  else say(told.state === 'stopped' ? 'Stopped; the masks so far are kept.' : 'Done. Step through it; where it is wrong, click and propagate again.');
}

// Export

export function openExport() {
  const { frames, annotated } = state.project, missing = frames - annotated.length;
  $('export-note').textContent = missing ? `${missing} of ${frames} frames have no masks yet; they are exported without any object.` : `All ${frames} frames have masks.`;
  $('export-dialog').showModal();
}

export function listFormats(formats) {
  $('formats').replaceChildren(...formats.map(({ name, summary }, i) => {
    const label = document.createElement('label'), radio = document.createElement('input'), title = document.createElement('b');
    radio.type = 'radio'; radio.name = 'format'; radio.value = name; radio.checked = i === 0;
    title.textContent = name;
    label.append(radio, title, summary);
    return label;
  }));
}

$('export-start').onclick = async () => {
  const format = document.querySelector('[name=format]:checked').value, path = `${base()}/export`;
  $('export-start').disabled = true; $('export-close').textContent = 'Cancel';
  try {
    await call('POST', path, { format });
    const told = await follow(path, $('export-progress'), () => {});
    if (told?.state === 'failed') throw new Error(`Export failed: ${told.message}`);
    if (told?.state === 'done') {
      const link = document.createElement('a');
      link.href = `api/${base()}/exports/${format}.zip`; link.download = '';
      link.click();
      $('export-dialog').close();
      say(`Exported as ${format}; the browser saves the zip file.`);
    }
  } catch (error) {
    $('export-dialog').close(); // a message lies beneath a dialog
    fail(error);
  }
  $('export-start').disabled = false; $('export-close').textContent = 'Close';
};
$('export-dialog').onclose = () => { if ($('export-start').disabled) call('DELETE', `${base()}/export`).catch(fail); };

// The annotation page: it shows a frame and its label map, and tells the server what a person points at.

import { call } from './api.js';
import { addObject, draw, go, nextObject, reload, repaint, update, view } from './frames.js';
import { listFormats, openExport, propagate, stop } from './jobs.js';
import { encode, painted } from './masks.js';
import { listProjects, openProject, setMaxUpload } from './projects.js';
import { $, base, pick, queue, say, state } from './state.js';

const canvas = $('canvas');

// Pointing

function send(change) {
  const object = state.object, frame = state.frame;
  if (!object) { say('Make an object first (New object, or the key n).', true); return; }
  if (frame !== state.shown) return; // the frame is still on its way
  const prompt = { object_id: object, ...structuredClone(state.prompts.get(object) ?? {}) };
  change(prompt);
  state.prompts.set(object, prompt); // seen at once; the mask follows
  draw();
  queue(async () => {
    try {
      update(await call('PUT', `${base()}/frames/${frame}/prompts`, prompt));
    } finally {
      if (frame === state.frame) await reload(); // after an error, too: what was refused goes
    }
  });
}

canvas.oncontextmenu = (event) => event.preventDefault();
canvas.onpointerdown = (event) => {
  if (!state.project || event.button > 2) return;
  canvas.focus();
  if (event.button === 1) { event.preventDefault(); canvas.setPointerCapture(event.pointerId); state.drag = { moves: true }; return; }
  const at = view.place(event);
  if (!at) return;
  canvas.setPointerCapture(event.pointerId);
  const [x, y] = at, positive = state.positive && event.button !== 2 && !event.shiftKey;
  if (state.tool === 'click') send((p) => { p.clicks = [...(p.clicks ?? []), [x, y, positive]]; });
  else if (state.tool === 'box') state.drag = { start: [x, y], box: [x, y, x, y] };
  else state.drag = { points: [[x, y]], positive };
  draw();
};
canvas.onpointermove = (event) => {
  const { drag } = state, [x, y] = view.place(event, true);
  state.pointer = [x, y];
  if (drag?.moves) view.move(event.movementX, event.movementY);
  else if (drag?.box) { const [a, b] = drag.start; drag.box = [Math.min(a, x), Math.min(b, y), Math.max(a, x), Math.max(b, y)]; }
  else if (drag) drag.points.push([x, y]);
  if (drag || state.tool === 'brush') draw();
};
canvas.onpointerleave = () => { state.pointer = null; if (state.tool === 'brush') draw(); };
canvas.onpointercancel = () => { state.drag = null; draw(); };
canvas.onpointerup = () => {
  const { drag } = state;
  state.drag = null;
  if (!drag || drag.moves) return;
  if (drag.box) {
    const [x1, y1, x2, y2] = drag.box;
    if (x2 - x1 > 2 && y2 - y1 > 2) send((p) => { p.box = drag.box; });
    else { draw(); say('Drag from one corner of the object to the other.'); }
  } else if (state.tool === 'scribble') send((p) => { p.scribbles = [...(p.scribbles ?? []), { points: drag.points, positive: drag.positive }]; });
  else paint(drag);
};
canvas.addEventListener('wheel', (event) => { event.preventDefault(); if (state.project) { view.zoom(1.0015 ** -event.deltaY, event); draw(); } }, { passive: false });

// The brush changes the shown mask itself, which then takes the place of clicks and boxes.
function paint({ points, positive }) {
  const { width, height } = state.project;
  if (!state.object || state.frame !== state.shown) { send(() => {}); return; }
  const mask = painted(state.labels, width, height, state.object, points, +$('brush-size').value, positive);
  for (let i = 0; i < mask.length; i++) if (mask[i]) state.labels[i] = state.object; else if (state.labels[i] === state.object) state.labels[i] = 0;
  state.layer = null; // the next stroke builds on this one
  send((p) => {
    for (const key of ['clicks', 'box', 'scribbles', 'polygon']) delete p[key];
    p.mask = encode(mask, height, width);
  });
}

// Tools

const OTHER = matchMedia('(pointer: coarse)').matches ? '“− not object”' : 'Right button'; // a finger has no right button
const HINTS = {
  click: `Click on the object. ${OTHER}: what is not the object.`, box: 'Drag a box around the object.',
  brush: `Paint the mask. ${OTHER} erases.`, scribble: `Draw a line on the object. ${OTHER}: what is not the object.`,
};
function pickTool(tool) {
  state.tool = tool;
  pick('tools', 'tool', tool);
  $('brush-row').hidden = tool !== 'brush'; $('signs').hidden = tool === 'box'; $('hint').textContent = HINTS[tool];
  draw();
}
function pickSign(positive) { state.positive = positive; pick('signs', 'sign', positive ? '+' : '-'); }
function brush(step) { $('brush-size').value = +$('brush-size').value + step; draw(); }
function hide() {
  state.hidden = !state.hidden;
  $('hide').setAttribute('aria-pressed', state.hidden); $('hide').textContent = state.hidden ? 'Show masks' : 'Hide masks';
  draw();
}
function fit() { view.fit(); draw(); }
function clear() {
  if (!state.prompts.has(state.object) && !state.labels?.includes(state.object)) return;
  send((p) => { for (const key of Object.keys(p)) if (key !== 'object_id') delete p[key]; });
}
function step(kind) {
  if ($(kind).disabled) return;
  queue(async () => {
    const told = await call('POST', `${base()}/${kind}`);
    update(told.project);
    if (told.frame !== null && told.frame !== state.frame) await go(told.frame);
    await reload();
  });
}

// Steps and playing. Whoever steps while a propagation is shown wants to look elsewhere.

function move(index) { $('follow').checked = false; go(index); }
function neighbour(direction) {
  const set = state.project.trusted.filter((i) => direction * (i - state.frame) > 0);
  if (set.length) move(direction > 0 ? set[0] : set[set.length - 1]);
}
async function play() {
  state.playing = !state.playing;
  $('follow').checked = false;
  if (state.playing && state.frame === state.project.frames - 1) await go(0);
  $('play').textContent = state.playing ? 'Pause' : 'Play';
  while (state.playing && state.project && state.frame < state.project.frames - 1) {
    const begin = performance.now();
    for (let ahead = 2; ahead < 5; ahead++) if (state.frame + ahead < state.project.frames) new Image().src = `api/${base()}/frames/${state.frame + ahead}.jpg`;
    await go(state.frame + 1);
    const rest = 1000 / (state.project?.fps ?? 25) - (performance.now() - begin);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, rest)));
  }
  state.playing = false; $('play').textContent = 'Play';
}

document.addEventListener('keydown', (event) => {
  const { tagName, type } = event.target;
  if (event.target.closest('dialog') || tagName === 'SELECT' || (tagName === 'INPUT' && type !== 'range' && type !== 'checkbox')) return;
  if (event.key === '?') { $('shortcuts').showModal(); return; }
  if (!state.project || event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    const key = event.key.toLowerCase();
    if (key === 'z' || key === 'y') { event.preventDefault(); step(event.shiftKey || key === 'y' ? 'redo' : 'undo'); }
    return;
  }
  const far = event.shiftKey ? 10 : 1;
  const keys = {
    ArrowLeft: () => move(state.frame - far), ArrowRight: () => move(state.frame + far), Home: () => move(0), End: () => move(Infinity),
    ',': () => neighbour(-1), '.': () => neighbour(1), ' ': play, 1: () => pickTool('click'), 2: () => pickTool('box'), 3: () => pickTool('brush'),
    4: () => pickTool('scribble'), x: () => pickSign(!state.positive), '[': () => nextObject(-1), ']': () => nextObject(1), n: addObject, p: propagate,
    Escape: () => state.job && stop(), Delete: clear, Backspace: clear, '+': () => brush(4), '=': () => brush(4), '-': () => brush(-4), h: hide, 0: fit,
  };
  if (event.key === ' ' && tagName === 'BUTTON' && event.target.id !== 'play') return; // the button's own
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

$('add-object').onclick = addObject; $('undo').onclick = () => step('undo'); $('redo').onclick = () => step('redo'); $('clear').onclick = clear;
$('propagate').onclick = propagate; $('stop').onclick = stop; $('play').onclick = play; $('hide').onclick = hide; $('fit').onclick = fit;
$('previous').onclick = () => move(state.frame - 1); $('next').onclick = () => move(state.frame + 1); $('frame').oninput = () => move(+$('frame').value);
$('opacity').oninput = repaint; $('brush-size').oninput = draw; $('help').onclick = () => $('shortcuts').showModal(); $('export').onclick = openExport;
for (const button of $('tools').children) button.onclick = () => pickTool(button.dataset.tool);
for (const button of $('signs').children) button.onclick = () => pickSign(button.dataset.sign === '+');

pickTool('click'); pickSign(true);
queue(async () => {
  const settings = await call('GET', 'settings');
  setMaxUpload(settings.max_upload); listFormats(settings.exports);
  await listProjects();
  if (location.hash) await openProject(location.hash.slice(1));
});

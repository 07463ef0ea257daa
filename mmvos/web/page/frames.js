// The frame that is shown, its masks, the list of objects and the timeline.

import { call, picture } from './api.js';
import { readLabels, tint } from './masks.js';
import { $, base, fail, queue, state } from './state.js';
import { View } from './view.js';

export const view = new View($('canvas'));

// The newest wish counts: while a frame loads, those that were wished for in between are passed over.
let wanted = 0, fresh = false, loading = null;
export function show(index, reload = false) {
  const { frames } = state.project;
  wanted = Math.max(0, Math.min(frames - 1, index)); fresh ||= reload;
  state.frame = wanted;
  $('frame').value = wanted; $('position').textContent = `${wanted + 1} / ${frames}`;
  loading ??= load().finally(() => { loading = null; });
  return loading;
}
export const go = (index) => show(index).catch(fail);
export const reload = () => show(state.frame, true);

async function load() {
  while (state.project && (wanted !== state.shown || fresh)) {
    const index = wanted, { key, width, height } = state.project, path = `projects/${key}`;
    fresh = false;
    const [frame, masks, prompts] = await Promise.all([
      index === state.shown ? state.picture : picture(`api/${path}/frames/${index}.jpg`),
      picture(`api/${path}/masks/${index}.png?${Date.now()}`), call('GET', `${path}/frames/${index}/prompts`),
    ]);
    if (state.project?.key !== key) return;
    state.shown = index; state.picture = frame; state.labels = readLabels(masks, width, height); state.layer = null;
    state.prompts = new Map(prompts.map((p) => [p.object_id, p]));
    draw();
  }
  if (!state.playing && state.job?.kind !== 'propagation') makeReady();
}

// While the annotator looks, the network reads the frame: the first click is then as quick as the others.
let resting = 0;
function makeReady() {
  clearTimeout(resting);
  resting = setTimeout(() => state.project && call('POST', `${base()}/frames/${state.frame}/ready`).catch(() => {}), 250);
}

export function draw() {
  if (!state.project || !state.labels) return;
  const { width, height, objects } = state.project, size = +$('brush-size').value;
  if (!state.hidden) state.layer ??= tint(state.labels, width, height, objects, $('opacity').value / 100);
  const brush = state.tool === 'brush' ? { size, at: state.pointer } : null;
  view.draw({ picture: state.picture, layer: state.hidden ? null : state.layer, prompt: state.prompts.get(state.object), drag: state.drag, brush });
}
export function repaint() { state.layer = null; draw(); }
view.onresize = () => { draw(); marks(); };

// Objects

export function update(project) {
  const recoloured = JSON.stringify(project.objects.map((o) => o.colour)) !== JSON.stringify(state.project?.objects.map((o) => o.colour));
  state.project = project;
  if (!project.objects.some((o) => o.id === state.object)) state.object = project.objects[0]?.id ?? 0;
  const typing = document.activeElement?.closest?.('#objects');
  if (!typing || recoloured) $('objects').replaceChildren(...project.objects.map(row));
  $('undo').disabled = !project.can_undo; $('redo').disabled = !project.can_redo;
  $('propagate').disabled = $('range').disabled = !project.trusted.length || Boolean(state.job);
  $('name').textContent = project.name;
  document.title = `${project.name} – MMVOS annotate`;
  marks();
  if (recoloured) repaint();
}

function row(object) {
  const item = document.createElement('li');
  item.dataset.object = object.id;
  item.setAttribute('aria-selected', object.id === state.object);
  const change = (what) => queue(async () => update(await call('PATCH', `${base()}/objects/${object.id}`, what)));
  const colour = document.createElement('input');
  colour.type = 'color'; colour.title = 'Colour'; colour.value = `#${object.colour.map((v) => v.toString(16).padStart(2, '0')).join('')}`;
  colour.onchange = () => { colour.blur(); change({ colour: [1, 3, 5].map((i) => parseInt(colour.value.slice(i, i + 2), 16)) }); };
  const name = document.createElement('input');
  name.type = 'text'; name.value = object.name; name.maxLength = 80; name.setAttribute('aria-label', `Name of object ${object.id}`);
  name.onchange = () => change({ name: name.value });
  name.onkeydown = (event) => { if (event.key === 'Enter' || event.key === 'Escape') name.blur(); };
  name.onfocus = () => select(object.id);
  const remove = document.createElement('button');
  remove.textContent = '×'; remove.title = `Delete ${object.name}`;
  remove.onclick = (event) => {
    event.stopPropagation();
    if (!confirm(`Delete ${object.name} and its masks in all frames? This cannot be undone.`)) return;
    queue(async () => { update(await call('DELETE', `${base()}/objects/${object.id}`)); await reload(); });
  };
  item.onclick = () => select(object.id);
  item.append(colour, name, remove);
  return item;
}

export function select(id) {
  state.object = id;
  for (const item of $('objects').children) item.setAttribute('aria-selected', +item.dataset.object === id);
  draw();
}

export function addObject() {
  queue(async () => {
    const before = new Set(state.project.objects.map((o) => o.id)), project = await call('POST', `${base()}/objects`);
    state.object = project.objects.find((o) => !before.has(o.id)).id;
    update(project); draw();
    $('objects').lastElementChild?.scrollIntoView({ block: 'nearest' });
  });
}

export function nextObject(step) {
  const ids = state.project.objects.map((o) => o.id);
  if (ids.length) select(ids[(ids.indexOf(state.object) + step + ids.length) % ids.length]);
}

// The timeline: orange where a person has set something, blue where masks are. The slider's knob is 16 pixels wide.

const KNOB = 16;
function marks() {
  if (!state.project) return;
  const canvas = $('marks'), ratio = window.devicePixelRatio || 1, { frames, annotated, trusted } = state.project;
  canvas.width = Math.max(canvas.clientWidth * ratio, 1); canvas.height = 12 * ratio;
  const pen = canvas.getContext('2d'), room = canvas.clientWidth - KNOB, step = room / Math.max(frames - 1, 1);
  const style = getComputedStyle(document.documentElement);
  pen.scale(ratio, ratio);
  pen.fillStyle = style.getPropertyValue('--made');
  for (const i of annotated) pen.fillRect(KNOB / 2 + (i - 0.5) * step, 5, Math.max(step, 1) + 0.5, 4);
  pen.fillStyle = style.getPropertyValue('--set');
  for (const i of trusted) { pen.beginPath(); pen.roundRect(KNOB / 2 + i * step - 2.5, 0, 5, 12, 2); pen.fill(); }
}
$('marks').onclick = (event) => {
  if (!state.project) return;
  const box = $('marks').getBoundingClientRect(), { frames, trusted } = state.project, step = (box.width - KNOB) / Math.max(frames - 1, 1);
  const at = (event.clientX - box.left - KNOB / 2) / step, near = trusted.find((i) => Math.abs(i - at) * step < 6);
  go(near ?? Math.round(at));
};

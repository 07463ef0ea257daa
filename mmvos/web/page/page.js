// The annotation page: it shows a frame and its label map, and tells the server what a person points at.

const $ = (id) => document.getElementById(id);
const canvas = $('canvas'), context = canvas.getContext('2d');
const state = {
  project: null, frame: 0, object: 1, tool: 'click', prompts: new Map(), picture: null, labels: null,
  drag: null, playing: false, propagating: false, busy: Promise.resolve(),
};

async function call(method, path, body) {
  const options = { method };
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) { options.body = JSON.stringify(body); options.headers = { 'Content-Type': 'application/json' }; }
  const response = await fetch(`api/${path}`, options);
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    throw new Error(typeof told.detail === 'string' ? told.detail : `${response.status} ${response.statusText}`);
  }
  return response.status === 204 ? null : response.json();
}

function say(text, error = false) { $('status').textContent = text; $('status').classList.toggle('error', error); }
// One change after the other, so that a quick hand never overtakes the server.
function queue(work) {
  state.busy = state.busy.then(work).catch((error) => say(error.message, true));
  return state.busy;
}
const base = () => `projects/${state.project.key}`;
const image = (url) => new Promise((resolve, reject) => {
  const one = new Image(); one.onload = () => resolve(one); one.onerror = () => reject(new Error(`${url} cannot be loaded.`)); one.src = url;
});

// Projects

async function listProjects(selected) {
  const projects = await call('GET', 'projects');
  $('projects').replaceChildren(new Option('Projects…', ''), ...projects.map((p) => new Option(p.name, p.key, false, p.key === selected)));
}

async function openProject(key) {
  state.project = await call('GET', `projects/${key}`);
  state.object = state.project.objects[0]?.id ?? 0;
  location.hash = key;
  $('empty').style.display = 'none'; canvas.style.display = 'block';
  canvas.width = state.project.width; canvas.height = state.project.height;
  $('frame').max = state.project.frames - 1;
  fit();
  await showFrame(Math.min(state.project.trusted[0] ?? 0, state.project.frames - 1));
  say('');
  watch();
}

function update(project) {
  state.project = project;
  const rows = project.objects.map((object) => {
    const row = document.createElement('li');
    row.setAttribute('aria-selected', object.id === state.object);
    row.dataset.object = object.id;
    const swatch = document.createElement('span'); swatch.className = 'swatch'; swatch.style.background = `rgb(${object.colour})`;
    const name = document.createElement('input'); name.value = object.name; name.setAttribute('aria-label', `Name of object ${object.id}`);
    name.onchange = () => queue(async () => update(await call('PATCH', `${base()}/objects/${object.id}`, { name: name.value })));
    const remove = document.createElement('button'); remove.textContent = '×'; remove.title = 'Delete the object';
    remove.onclick = (event) => { event.stopPropagation(); removeObject(object); };
    row.onclick = () => { state.object = object.id; update(state.project); draw(); };
    row.append(swatch, name, remove);
    return row;
  });
  $('objects').replaceChildren(...rows);
  $('undo').disabled = !project.can_undo; $('redo').disabled = !project.can_redo;
  $('propagate').disabled = !project.trusted.length || state.propagating;
  drawMarks();
}

function removeObject(object) {
  if (!confirm(`Delete ${object.name} and its masks in all frames?`)) return;
  queue(async () => {
    const project = await call('DELETE', `${base()}/objects/${object.id}`);
    if (state.object === object.id) state.object = project.objects[0]?.id ?? 0;
    update(project); await showFrame(state.frame);
  });
}

function addObject() {
  queue(async () => { const project = await call('POST', `${base()}/objects`); state.object = Math.max(...project.objects.map((o) => o.id)); update(project); draw(); });
}

// Frames

async function showFrame(index) {
  const { frames } = state.project;
  index = Math.max(0, Math.min(frames - 1, index));
  state.frame = index;
  $('frame').value = index; $('position').textContent = `${index + 1} / ${frames}`;
  const [picture, labels, prompts] = await Promise.all([
    image(`api/${base()}/frames/${index}.jpg`), image(`api/${base()}/masks/${index}.png?t=${Date.now()}`), call('GET', `${base()}/frames/${index}/prompts`),
  ]);
  if (index !== state.frame) return; // somebody went on
  state.picture = picture; state.labels = readLabels(labels);
  state.prompts = new Map(prompts.map((p) => [p.object_id, p]));
  update(state.project); draw();
}

function readLabels(picture) {
  const { width, height } = state.project;
  const scratch = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  scratch.drawImage(picture, 0, 0);
  const data = scratch.getImageData(0, 0, width, height).data, labels = new Uint8Array(width * height);
  for (let i = 0; i < labels.length; i++) labels[i] = data[4 * i];
  return labels;
}

function draw() {
  if (!state.picture) return;
  const { width, height, objects } = state.project;
  context.drawImage(state.picture, 0, 0, width, height);
  const tint = context.createImageData(width, height), alpha = Math.round(255 * $('opacity').value / 100);
  const colours = new Map(objects.map((o) => [o.id, o.colour]));
  for (let i = 0; i < state.labels.length; i++) {
    const label = state.labels[i]; if (!label) continue;
    const colour = colours.get(label) ?? [255, 255, 255], x = i % width;
    const edge = (x && state.labels[i - 1] !== label) || (x < width - 1 && state.labels[i + 1] !== label) || state.labels[i - width] !== label || state.labels[i + width] !== label;
    tint.data.set([...colour, edge ? 255 : alpha], 4 * i);
  }
  const layer = new OffscreenCanvas(width, height); layer.getContext('2d').putImageData(tint, 0, 0);
  context.drawImage(layer, 0, 0);
  const prompt = state.prompts.get(state.object), unit = Math.max(width, height) / 200;
  for (const [x, y, positive] of prompt?.clicks ?? []) dot(x, y, positive, unit);
  for (const scribble of prompt?.scribbles ?? []) line(scribble.points, scribble.positive, unit);
  if (prompt?.box) rectangle(prompt.box, unit);
  if (state.drag?.box) rectangle(state.drag.box, unit);
  if (state.drag?.points) line(state.drag.points, state.drag.positive, state.tool === 'brush' ? $('brush-size').value / 2 : unit);
}

const sign = (positive) => (positive ? '#2ecc40' : '#ff4136');
function dot(x, y, positive, unit) { context.beginPath(); context.arc(x, y, 1.4 * unit, 0, 7); context.fillStyle = sign(positive); context.fill(); context.strokeStyle = '#fff'; context.lineWidth = unit / 2; context.stroke(); }
function line(points, positive, unit) { context.beginPath(); points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y))); context.strokeStyle = sign(positive); context.lineWidth = 2 * unit; context.lineCap = context.lineJoin = 'round'; context.stroke(); }
function rectangle([x1, y1, x2, y2], unit) { context.strokeStyle = '#ffdc00'; context.lineWidth = unit / 1.5; context.strokeRect(x1, y1, x2 - x1, y2 - y1); }

function drawMarks() {
  const marks = $('marks'), { frames, annotated, trusted } = state.project;
  marks.width = marks.clientWidth || 600;
  const pen = marks.getContext('2d'), unit = marks.width / frames;
  pen.fillStyle = '#7aa7ff'; for (const i of annotated) pen.fillRect(i * unit, 4, Math.max(unit, 1), 3);
  pen.fillStyle = '#ff851b'; for (const i of trusted) pen.fillRect(i * unit, 0, Math.max(unit, 3), 10);
}

// Pointing

function place(event) {
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) * canvas.width / box.width, y = (event.clientY - box.top) * canvas.height / box.height;
  return [Math.max(0, Math.min(canvas.width, x)), Math.max(0, Math.min(canvas.height, y))];
}

function send(change) {
  const object = state.object, frame = state.frame;
  if (!object) { say('Make an object first.', true); return; }
  queue(async () => {
    const prompt = { object_id: object, ...structuredClone(state.prompts.get(object) ?? {}) };
    change(prompt);
    update(await call('PUT', `${base()}/frames/${frame}/prompts`, prompt));
    if (frame === state.frame) await showFrame(frame);
    say('');
  });
}

canvas.oncontextmenu = (event) => event.preventDefault();
canvas.onpointerdown = (event) => {
  if (!state.project || event.button > 2) return;
  canvas.setPointerCapture(event.pointerId); canvas.focus();
  const [x, y] = place(event), positive = event.button !== 2 && !event.shiftKey;
  if (state.tool === 'click') send((p) => { p.clicks = [...(p.clicks ?? []), [x, y, positive]]; });
  else if (state.tool === 'box') state.drag = { start: [x, y], box: [x, y, x, y] };
  else state.drag = { points: [[x, y]], positive };
};
canvas.onpointermove = (event) => {
  if (!state.drag) return;
  const [x, y] = place(event);
  if (state.drag.box) { const [a, b] = state.drag.start; state.drag.box = [Math.min(a, x), Math.min(b, y), Math.max(a, x), Math.max(b, y)]; }
  else state.drag.points.push([x, y]);
  draw();
};
canvas.onpointerup = () => {
  const drag = state.drag; state.drag = null;
  if (!drag) return;
  if (drag.box) {
    const [x1, y1, x2, y2] = drag.box;
    if (x2 - x1 > 2 && y2 - y1 > 2) send((p) => { p.box = drag.box; }); else draw();
  } else if (state.tool === 'scribble') send((p) => { p.scribbles = [...(p.scribbles ?? []), { points: drag.points, positive: drag.positive }]; });
  else paint(drag);
};

// The brush changes the shown mask itself, which then takes the place of clicks and boxes.
function paint({ points, positive }) {
  const { width, height } = state.project, object = state.object;
  const layer = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  layer.lineWidth = $('brush-size').value; layer.lineCap = layer.lineJoin = 'round';
  layer.beginPath(); points.forEach(([x, y], i) => (i ? layer.lineTo(x, y) : layer.moveTo(x, y)));
  if (points.length === 1) layer.lineTo(points[0][0] + 0.01, points[0][1]);
  layer.stroke();
  const touched = layer.getImageData(0, 0, width, height).data, mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i++) mask[i] = touched[4 * i + 3] > 127 ? Number(positive) : Number(state.labels[i] === object);
  send((p) => { for (const key of ['clicks', 'box', 'scribbles', 'polygon']) delete p[key]; p.mask = encode(mask, height, width); });
}

// COCO's compressed run-length code: columns first, differences to the last but one, five bits a character.
function encode(mask, height, width) {
  const runs = []; let last = 0, run = 0;
  for (let x = 0; x < width; x++) for (let y = 0; y < height; y++) { const v = mask[y * width + x]; if (v === last) run++; else { runs.push(run); run = 1; last = v; } }
  runs.push(run);
  let counts = '';
  runs.forEach((value, i) => {
    let rest = i > 2 ? value - runs[i - 2] : value, more = true;
    while (more) { let bits = rest & 31; rest >>= 5; more = (bits & 16) ? rest !== -1 : rest !== 0; if (more) bits |= 32; counts += String.fromCharCode(bits + 48); }
  });
  return { size: [height, width], counts };
}

// History, propagation, playing

function history(kind) { queue(async () => { const told = await call('POST', `${base()}/${kind}`); update(told.project); await showFrame(told.frame ?? state.frame); }); }
function clear() { send((p) => { for (const key of Object.keys(p)) if (key !== 'object_id') delete p[key]; }); }

function propagate() { queue(async () => { await call('POST', `${base()}/propagation`, {}); watch(); }); }
async function stop() { await call('DELETE', `${base()}/propagation`); }

async function watch() {
  if (state.propagating) return;
  const key = state.project.key;
  const first = await call('GET', `${base()}/propagation`);
  if (first?.state !== 'running') return;
  state.propagating = true; $('stop').hidden = $('progress').hidden = false; $('propagate').disabled = true;
  let told = first;
  while (told?.state === 'running' && state.project.key === key) {
    $('progress').value = told.done / Math.max(told.total, 1);
    const left = told.fps ? Math.ceil((told.total - told.done) / told.fps) : '…';
    say(`${told.done} of ${told.total} frames, ${told.fps.toFixed(1)} frames/s, ${left} s left`);
    if (told.frame >= 0 && !state.drag && !state.playing) await showFrame(told.frame).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 400));
    told = await call('GET', `projects/${key}/propagation`);
  }
  state.propagating = false; $('stop').hidden = $('progress').hidden = true;
  update(await call('GET', base()));
  await showFrame(state.frame);
  say(told?.state === 'failed' ? told.message : told?.state === 'stopped' ? 'Stopped; what is done is kept.' : 'Done. Step through it, correct, propagate again.', told?.state === 'failed');
}

async function play() {
  state.playing = !state.playing; $('play').textContent = state.playing ? 'Pause' : 'Play';
  while (state.playing) {
    const begin = performance.now();
    if (state.frame >= state.project.frames - 1) { state.playing = false; $('play').textContent = 'Play'; break; }
    await showFrame(state.frame + 1);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 1000 / state.project.fps - (performance.now() - begin))));
  }
}

function pickTool(tool) {
  state.tool = tool;
  for (const button of $('tools').children) { button.setAttribute('role', 'radio'); button.setAttribute('aria-checked', button.dataset.tool === tool); }
  $('brush-row').style.display = tool === 'brush' ? '' : 'none';
}
const go = (index) => showFrame(index).catch((error) => say(error.message, true));
function neighbour(step) { const set = state.project.trusted.filter((i) => step * (i - state.frame) > 0); if (set.length) go(step > 0 ? set[0] : set[set.length - 1]); }
function nextObject(step) { const ids = state.project.objects.map((o) => o.id); if (ids.length) { state.object = ids[(ids.indexOf(state.object) + step + ids.length) % ids.length]; update(state.project); draw(); } }

document.addEventListener('keydown', (event) => {
  if (!state.project || (event.target.tagName === 'INPUT' && event.target.type !== 'range')) return;
  const command = event.ctrlKey || event.metaKey, far = event.shiftKey ? 10 : 1;
  const keys = {
    ArrowLeft: () => go(state.frame - far), ArrowRight: () => go(state.frame + far), Home: () => go(0), End: () => go(Infinity),
    ',': () => neighbour(-1), '.': () => neighbour(1), ' ': play, 1: () => pickTool('click'), 2: () => pickTool('box'), 3: () => pickTool('brush'),
    4: () => pickTool('scribble'), '[': () => nextObject(-1), ']': () => nextObject(1), n: addObject, p: propagate, Escape: () => state.propagating && stop(),
    Delete: clear, Backspace: clear, '+': () => { $('brush-size').value = +$('brush-size').value + 4; }, '-': () => { $('brush-size').value -= 4; }, '?': () => $('shortcuts').showModal(),
  };
  if (command) { if (event.key.toLowerCase() === 'z') { event.preventDefault(); history(event.shiftKey ? 'redo' : 'undo'); } return; }
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

$('add-object').onclick = addObject; $('undo').onclick = () => history('undo'); $('redo').onclick = () => history('redo'); $('clear').onclick = clear;
$('propagate').onclick = propagate; $('stop').onclick = () => stop().catch((error) => say(error.message, true)); $('play').onclick = play;
$('previous').onclick = () => go(state.frame - 1); $('next').onclick = () => go(state.frame + 1); $('frame').oninput = () => go(+$('frame').value);
$('opacity').oninput = draw; $('help').onclick = () => $('shortcuts').showModal();
$('projects').onchange = () => $('projects').value && queue(() => openProject($('projects').value));
$('export').onclick = (event) => { event.preventDefault(); if (state.project) { say('Exporting…'); location.href = `api/${base()}/exports/${$('format').value}.zip`; setTimeout(() => say(''), 3000); } };
for (const button of $('tools').children) button.onclick = () => pickTool(button.dataset.tool);
$('upload').onchange = () => queue(async () => {
  const file = $('upload').files[0]; if (!file) return;
  say(`Uploading ${file.name}…`);
  const form = new FormData(); form.append('file', file);
  const project = await call('POST', 'projects', form);
  await listProjects(project.key); await openProject(project.key);
  $('upload').value = '';
});
// The frame is shown as large as the room for it allows.
function fit() {
  if (!state.project) return;
  const { width, height } = state.project, room = $('stage').getBoundingClientRect();
  const scale = Math.min(room.width / width, (room.height || Infinity) / height);
  canvas.style.width = `${width * scale}px`; canvas.style.height = `${height * scale}px`;
  drawMarks();
}
new ResizeObserver(fit).observe($('stage'));

pickTool('click');
queue(async () => {
  const formats = await call('GET', 'exports');
  $('format').replaceChildren(...formats.map((f) => new Option(f.summary, f.name)));
  const key = location.hash.slice(1);
  await listProjects(key);
  if (key) await openProject(key);
});

// From the list of projects, or a video that is chosen or dropped, to an open project.

import { call, upload } from './api.js';
import { draw, go, show, update, view } from './frames.js';
import { watch } from './jobs.js';
import { $, fail, queue, say, state } from './state.js';

let maxUpload = Infinity;
export function setMaxUpload(bytes) { maxUpload = bytes; }

export async function listProjects() {
  const projects = await call('GET', 'projects');
  $('projects-title').hidden = !projects.length;
  $('projects').replaceChildren(...projects.map(({ key, name, objects }) => {
    const item = document.createElement('li'), open = document.createElement('button'), image = new Image(), text = document.createElement('span');
    open.className = 'project'; open.onclick = () => queue(() => openProject(key)); open.title = name;
    image.loading = 'lazy'; image.alt = ''; image.src = `api/projects/${key}/thumbnail.jpg`;
    text.textContent = `${name} · ${objects === 1 ? '1 object' : `${objects} objects`}`;
    open.append(image, text);
    const remove = document.createElement('button');
    remove.className = 'delete'; remove.textContent = '×'; remove.title = `Delete the project ${name}`;
    remove.onclick = () => {
      if (confirm(`Delete the project ${name} with all its masks? This cannot be undone.`)) queue(async () => { await call('DELETE', `projects/${key}`); await listProjects(); });
    };
    item.append(open, remove);
    return item;
  }));
}

export async function openProject(key) {
  const project = await call('GET', `projects/${key}`);
  Object.assign(state, { project: null, object: 0, shown: -1, picture: null, labels: null, layer: null, playing: false, drag: null });
  document.body.classList.remove('no-project');
  document.body.style.setProperty('--aspect', project.width / project.height);
  if (location.hash.slice(1) !== key) history.pushState(null, '', `#${key}`);
  $('frame').max = project.frames - 1;
  view.resize(); view.open(project.width, project.height);
  update(project);
  say('');
  await show(project.trusted[0] ?? 0);
  draw();
  $('canvas').focus({ preventScroll: true });
  watch().catch(fail);
}

export async function goHome() {
  state.project = null; state.playing = false;
  document.body.classList.add('no-project');
  document.title = 'MMVOS annotate'; $('name').textContent = $('saved').textContent = '';
  if (location.hash) history.pushState(null, '', location.pathname);
  say('');
  await listProjects();
}

window.onpopstate = () => queue(() => (location.hash ? openProject(location.hash.slice(1)) : goHome()));

function take(file) {
  if (!file) return;
  if (file.size > maxUpload) { say(`${file.name} has ${mebibytes(file.size)} MiB; this server takes videos of up to ${mebibytes(maxUpload)} MiB (mmvos annotate --max-upload). For a large one, start it as: mmvos annotate VIDEO`, true); return; }
  queue(async () => {
    const project = await upload(file, (share) => say(share < 1 ? `Uploading ${file.name}: ${Math.round(100 * share)} %` : `Reading ${file.name}…`));
    await openProject(project.key);
  });
}
const mebibytes = (bytes) => Math.ceil(bytes / 2 ** 20);

$('upload').onchange = () => { take($('upload').files[0]); $('upload').value = ''; };
$('open').onkeydown = (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); $('upload').click(); } };
$('home').onclick = () => queue(goHome);
document.body.ondragover = (event) => { event.preventDefault(); $('stage').classList.add('dropping'); };
document.body.ondragleave = (event) => { if (!event.relatedTarget) $('stage').classList.remove('dropping'); };
document.body.ondrop = (event) => { event.preventDefault(); $('stage').classList.remove('dropping'); take(event.dataTransfer.files[0]); };

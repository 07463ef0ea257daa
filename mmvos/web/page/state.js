// What all parts of the page share.

export const $ = (id) => document.getElementById(id);

export const state = {
  project: null, frame: 0, object: 0, tool: 'click', positive: true, hidden: false, drag: null, playing: false, job: null,
  picture: null, labels: null, layer: null, prompts: new Map(), shown: -1,
};

export const base = () => `projects/${state.project.key}`;

let fading = 0;
export function say(text, error = false) {
  clearTimeout(fading);
  $('message').hidden = !text;
  $('message').classList.toggle('error', error);
  $('message').firstElementChild.textContent = text;
  if (text && !error) fading = setTimeout(() => say(''), 5000);
}
$('message').lastElementChild.onclick = () => say('');
export const fail = (error) => say(error.message, true);

// One change after the other, so that a quick hand never overtakes the server.
let last = Promise.resolve(), waiting = 0;
export function queue(work) {
  waiting++;
  const slow = setTimeout(() => { $('busy').hidden = waiting === 0; }, 250);
  $('saved').textContent = state.project ? 'saving…' : '';
  last = last.then(work).catch(fail).finally(() => {
    clearTimeout(slow);
    if (--waiting === 0) { $('busy').hidden = true; $('saved').textContent = state.project ? 'all changes are saved' : ''; }
  });
  return last;
}

export const pick = (group, attribute, value) => {
  for (const button of $(group).children) button.setAttribute('aria-checked', button.dataset[attribute] === value);
};

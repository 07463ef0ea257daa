// What the page asks of its server. Every error is a sentence.

const GONE = 'The server does not answer. Is "mmvos annotate" still running?';

export async function call(method, path, body) {
  const options = { method };
  if (body !== undefined) { options.body = JSON.stringify(body); options.headers = { 'Content-Type': 'application/json' }; }
  const response = await fetch(`api/${path}`, options).catch(() => { throw new Error(GONE); });
  if (!response.ok) throw new Error(sentence(response.status, await response.text()));
  return response.json();
}

function sentence(status, text) {
  try {
    const { detail } = JSON.parse(text);
    if (typeof detail === 'string') return detail;
  } catch { /* not JSON: a fault of the server */ }
  return status >= 500 ? 'The server met a fault; what it printed in its terminal tells more.' : `The server refused this (${status}).`;
}

// fetch does not tell how much of a body is sent, so this is the older way
export function upload(file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `api/projects?name=${encodeURIComponent(file.name)}`);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => (request.status === 200 ? resolve(JSON.parse(request.responseText)) : reject(new Error(sentence(request.status, request.responseText))));
    request.onerror = () => reject(new Error(GONE));
    request.send(file);
  });
}

export async function picture(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image;
  } catch {
    // an image element does not tell why: ask again for the words
    const response = await fetch(url).catch(() => { throw new Error(GONE); });
    throw new Error(sentence(response.status, await response.text()));
  }
}

// "12 of 60 frames, 1.4 frames/s, 0:34 left"
export function describe({ done, total, fps }) {
  const left = fps ? Math.ceil((total - done) / fps) : null;
  const time = left === null ? '' : `, ${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')} left`;
  return `${done} of ${total} frames, ${fps.toFixed(1)} frames/s${time}`;
}

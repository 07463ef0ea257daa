// Label maps (a byte per pixel: the object's id) to what is drawn, and a mask to what is sent.

export function readLabels(image, width, height) {
  const scratch = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  scratch.drawImage(image, 0, 0);
  const data = new Uint32Array(scratch.getImageData(0, 0, width, height).data.buffer), labels = new Uint8Array(data.length);
  for (let i = 0; i < labels.length; i++) labels[i] = data[i] & 255;
  return labels;
}

// A canvas with the objects in their colours and a bright line along their edges.
export function tint(labels, width, height, objects, opacity) {
  const inside = new Uint32Array(256), edges = new Uint32Array(256);
  for (const { id, colour } of objects) {
    inside[id] = pixel(colour, Math.round(255 * opacity));
    edges[id] = pixel(colour.map((v) => Math.round(v + (255 - v) * 0.35)), 255);
  }
  const layer = new OffscreenCanvas(width, height), pen = layer.getContext('2d'), shown = pen.createImageData(width, height);
  const pixels = new Uint32Array(shown.data.buffer), bottom = labels.length - width;
  for (let i = 0, x = 0; i < labels.length; i++, x = x + 1 === width ? 0 : x + 1) {
    const label = labels[i];
    if (!label) continue;
    const edge = (x > 0 && labels[i - 1] !== label) || (x < width - 1 && labels[i + 1] !== label) || (i >= width && labels[i - width] !== label) || (i < bottom && labels[i + width] !== label);
    pixels[i] = edge ? edges[label] : inside[label];
  }
  pen.putImageData(shown, 0, 0);
  return layer;
}

const pixel = ([red, green, blue], alpha) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;

// The object's mask after a stroke of the brush.
export function painted(labels, width, height, object, points, size, positive) {
  const pen = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  pen.lineWidth = size; pen.lineCap = pen.lineJoin = 'round';
  pen.beginPath();
  points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  if (points.length === 1) pen.lineTo(points[0][0] + 0.01, points[0][1]);
  pen.stroke();
  const touched = pen.getImageData(0, 0, width, height).data, mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i++) mask[i] = touched[4 * i + 3] > 127 ? Number(positive) : Number(labels[i] === object);
  return mask;
}

// COCO's compressed run-length code: columns first, differences to the last but one, five bits a character.
export function encode(mask, height, width) {
  const runs = [];
  let last = 0, run = 0;
  for (let x = 0; x < width; x++) {
    for (let i = x; i < mask.length; i += width) {
      if (mask[i] === last) run++;
      else { runs.push(run); run = 1; last = mask[i]; }
    }
  }
  runs.push(run);
  let counts = '';
  runs.forEach((value, i) => {
    let rest = i > 2 ? value - runs[i - 2] : value, more = true;
    while (more) {
      let bits = rest & 31;
      rest >>= 5;
      more = bits & 16 ? rest !== -1 : rest !== 0;
      if (more) bits |= 32;
      counts += String.fromCharCode(bits + 48);
    }
  });
  return { size: [height, width], counts };
}

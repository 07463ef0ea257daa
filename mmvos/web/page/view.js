// The stage: a frame with masks and marks over it, zoomed and moved.

const SIGN = { true: '#23c552', false: '#ff4f45' };

export class View {
  constructor(canvas) {
    this.canvas = canvas; this.pen = canvas.getContext('2d');
    this.size = [1, 1]; this.scale = 1; this.left = 0; this.top = 0; this.fitted = true;
    this.onresize = () => {};
    new ResizeObserver(() => { this.resize(); this.onresize(); }).observe(canvas);
  }

  get fitScale() { return Math.min(this.canvas.width / this.size[0], this.canvas.height / this.size[1]); }

  resize() {
    const ratio = window.devicePixelRatio || 1, { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.max(Math.round(clientWidth * ratio), 1); this.canvas.height = Math.max(Math.round(clientHeight * ratio), 1);
    if (this.fitted) this.fit(); else this.keepInside();
  }

  open(width, height) { this.size = [width, height]; this.fit(); }

  fit() {
    this.fitted = true; this.scale = this.fitScale;
    this.left = (this.canvas.width - this.size[0] * this.scale) / 2; this.top = (this.canvas.height - this.size[1] * this.scale) / 2;
  }

  zoom(factor, event) {
    const [x, y] = this.device(event), before = this.scale;
    this.scale = Math.max(this.fitScale, Math.min(this.scale * factor, 40 * this.fitScale));
    if (this.scale <= this.fitScale) { this.fit(); return; }
    this.fitted = false;
    this.left = x - (x - this.left) * this.scale / before; this.top = y - (y - this.top) * this.scale / before;
    this.keepInside();
  }

  move(dx, dy) { const ratio = window.devicePixelRatio || 1; this.left += dx * ratio; this.top += dy * ratio; this.keepInside(); }

  keepInside() {
    const keep = (at, room, length) => (length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, at)));
    this.left = keep(this.left, this.canvas.width, this.size[0] * this.scale);
    this.top = keep(this.top, this.canvas.height, this.size[1] * this.scale);
  }

  device(event) {
    const box = this.canvas.getBoundingClientRect(), ratio = this.canvas.width / box.width;
    return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
  }

  // pixels of the frame; null outside of it unless `clamp`
  place(event, clamp = false) {
    const [x, y] = this.device(event), [width, height] = this.size;
    const place = [(x - this.left) / this.scale, (y - this.top) / this.scale];
    if (!clamp && (place[0] < 0 || place[1] < 0 || place[0] > width || place[1] > height)) return null;
    return [Math.max(0, Math.min(width, place[0])), Math.max(0, Math.min(height, place[1]))];
  }

  draw({ picture, layer, prompt, drag, brush }) {
    const { pen, canvas } = this, [width, height] = this.size, unit = (window.devicePixelRatio || 1) / this.scale;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!picture) return;
    pen.setTransform(this.scale, 0, 0, this.scale, this.left, this.top);
    pen.imageSmoothingEnabled = this.scale < 4 * (window.devicePixelRatio || 1); // from there on, pixels are what one wants to see
    pen.imageSmoothingQuality = 'high';
    pen.drawImage(picture, 0, 0, width, height);
    if (layer) pen.drawImage(layer, 0, 0);
    pen.lineCap = pen.lineJoin = 'round';
    for (const { points, positive } of prompt?.scribbles ?? []) this.stroke(points, SIGN[positive], 3 * unit);
    if (prompt?.box) this.rectangle(prompt.box, unit);
    for (const [x, y, positive] of prompt?.clicks ?? []) this.dot(x, y, positive, unit);
    if (drag?.box) this.rectangle(drag.box, unit);
    if (drag?.points) { pen.globalAlpha = brush ? 0.6 : 1; this.stroke(drag.points, SIGN[drag.positive], brush ? brush.size : 3 * unit); pen.globalAlpha = 1; }
    if (brush?.at) { pen.beginPath(); pen.arc(...brush.at, brush.size / 2, 0, 7); this.outline(unit, '#fff'); }
  }

  outline(unit, colour) {
    this.pen.lineWidth = 3 * unit; this.pen.strokeStyle = '#000a'; this.pen.stroke();
    this.pen.lineWidth = 1.5 * unit; this.pen.strokeStyle = colour; this.pen.stroke();
  }

  dot(x, y, positive, unit) {
    const { pen } = this;
    pen.beginPath(); pen.arc(x, y, 6 * unit, 0, 7); pen.fillStyle = SIGN[positive]; pen.fill(); this.outline(unit, '#fff');
    pen.beginPath(); pen.moveTo(x - 3 * unit, y); pen.lineTo(x + 3 * unit, y);
    if (positive) { pen.moveTo(x, y - 3 * unit); pen.lineTo(x, y + 3 * unit); }
    pen.lineWidth = 1.5 * unit; pen.strokeStyle = '#fff'; pen.stroke();
  }

  stroke(points, colour, width) {
    const { pen } = this;
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    if (points.length === 1) pen.lineTo(points[0][0] + 0.01, points[0][1]);
    pen.lineWidth = width; pen.strokeStyle = colour; pen.stroke();
  }

  rectangle([x1, y1, x2, y2], unit) { this.pen.beginPath(); this.pen.rect(x1, y1, x2 - x1, y2 - y1); this.outline(unit, '#ffdc3a'); }
}

// Tables are sorted by a click on a heading; again for the other direction. Rows without a number come last.
'use strict';

const number = (cell) => {
  const found = cell.textContent.replace(/,/g, '').match(/-?\d+(\.\d+)?/);
  return found ? Number(found[0]) : null;
};

function sort(table, column, descending) {
  const rows = [...table.tBodies[0].rows];
  const numeric = rows.filter((row) => number(row.cells[column]) !== null).length > rows.length / 2 && column > 0;
  const key = (row) => (numeric ? number(row.cells[column]) : row.cells[column].textContent.trim());
  rows.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = numeric ? x - y : x.localeCompare(y);
    return descending ? -order : order;
  });
  table.tBodies[0].append(...rows);
}

document.addEventListener('DOMContentLoaded', () => {
  for (const table of document.querySelectorAll('article table')) {
    if (!table.tHead || table.tBodies[0].rows.length < 3) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement('button');
      button.className = 'sort';
      button.append(...head.childNodes);
      button.title = 'sort by this column';
      head.append(button);
      button.addEventListener('click', () => {
        // numbers: the largest first
        const descending = head.getAttribute('aria-sort') !== 'descending';
        for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
        sort(table, column, descending);
      });
    });
  }
});

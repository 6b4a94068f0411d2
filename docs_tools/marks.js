// Frames and numbers elements above the page: a number tells, the colour only helps.
(boxes) => {
  const layer = document.createElement("div")
  Object.assign(layer.style, {
    position: "fixed", inset: "0", zIndex: "2147483647", pointerEvents: "none",
  })
  boxes.forEach((box, index) => {
    const frame = document.createElement("div")
    Object.assign(frame.style, {
      position: "absolute", boxSizing: "border-box",
      left: `${box.x - 4}px`, top: `${box.y - 4}px`,
      width: `${box.width + 8}px`, height: `${box.height + 8}px`,
      border: "3px solid #b3261e", borderRadius: "8px",
    })
    const number = document.createElement("div")
    number.textContent = index + 1
    Object.assign(number.style, {
      position: "absolute", left: `${Math.max(0, box.x - 18)}px`, top: `${box.y + box.height / 2 - 14}px`,
      width: "28px", height: "28px", borderRadius: "14px", textAlign: "center",
      font: 'bold 16px/28px "DejaVu Sans", sans-serif', color: "#fff", background: "#b3261e",
    })
    layer.append(frame, number)
  })
  document.body.append(layer)
}

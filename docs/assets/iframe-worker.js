// Browsers do not allow workers on pages that are opened from disk. The search then runs in
// a hidden frame instead, which passes the same messages.
if (location.protocol === 'file:') {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement('iframe')
      frame.hidden = true
      document.body.append(frame)
      const scope = frame.contentWindow
      scope.postMessage = (data) =>
        this.dispatchEvent(new MessageEvent('message', { data }))
      const script = frame.contentDocument.createElement('script')
      this.loaded = new Promise((resolve) => { script.onload = () => resolve(scope) })
      script.src = url
      frame.contentDocument.body.append(script)
    }

    postMessage(data) {
      this.loaded.then((scope) =>
        scope.dispatchEvent(new MessageEvent('message', { data })))
    }
  }
}

// The one place where text may become HTML or a script's address: pages of this server, and the service worker.

const policy = globalThis.trustedTypes?.createPolicy("phonolith", {
  createHTML: (text) => text,
  createScriptURL: (url) => {
    if (url !== "/sw.js") throw new TypeError("only the service worker is loaded by script");
    return url;
  },
});

export const trusted = {
  /** Parse a page of this server; nothing in it runs, a parsed document has no scripts. */
  page: (text) => new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html"),
  scriptURL: (url) => (policy ? policy.createScriptURL(url) : url),
};

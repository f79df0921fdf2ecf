// Tells the server the viewer's time zone, so that pages, charts and files show the same times. Everything works without.
"use strict";
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const known = document.cookie.split("; ").includes(`rollcall-tz=${zone}`);
  if (!zone || known) return;
  document.cookie = `rollcall-tz=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  const shown = document.documentElement.dataset.zone;
  const taken = document.cookie.split("; ").includes(`rollcall-tz=${zone}`);
  if (taken && shown && shown !== zone && document.documentElement.dataset.pinned === undefined) location.reload();
})();

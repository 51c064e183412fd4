// Downloads a torrent with WebTorrent, by its trackers alone: node webtorrent.mjs TORRENT FOLDER
import WebTorrent from "webtorrent";

const [torrent, path] = process.argv.slice(2);
const client = new WebTorrent({ dht: false, lsd: false, utPex: false, natUpnp: false, natPmp: false, webSeeds: false });
client.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
client.add(torrent, { path }).on("done", () => client.destroy(() => process.exit(0)));

// Receives pixels on loopback by libraries that know nothing of Loa, and says what they
// made of each datagram: "port N" first, then "universe sequence priority source slots",
// the slots in hexadecimal. receive.js sacn UNIVERSE... | artnet
const [kind, ...universes] = process.argv.slice(2);
const say = (...words) => process.stdout.write(words.join(' ') + '\n');

if (kind === 'sacn') {
  const { Receiver } = require('sacn');
  const receiver = new Receiver({ universes: universes.map(Number), port: 0, iface: '127.0.0.1' });
  receiver.on('packet', (p) => say(p.universe, p.sequence, p.priority, JSON.stringify(p.sourceName).replaceAll(' ', '_'), p.payloadAsBuffer.toString('hex')));
  for (const bad of ['PacketCorruption', 'PacketOutOfOrder', 'error']) receiver.on(bad, (err) => say(bad, err));
  receiver.socket.once('listening', () => say('port', receiver.socket.address().port));
} else {
  const { protocol } = require('artnet-protocol');
  const socket = require('dgram').createSocket('udp4');
  socket.on('message', (message, from) => {
    const p = protocol.decode(message);
    if (p instanceof protocol.ArtDmx) {
      say(p.universe, p.sequence, 0, '""', Buffer.from(p.data).toString('hex'));
    } else if (p instanceof protocol.ArtPoll) {
      socket.send(new protocol.ArtPollReply('127.0.0.1', 6454, 0, 0, 0, 0xffff, 0, 1).encode(), from.port, from.address);
    } else {
      say('unknown', message.toString('hex'));
    }
  });
  socket.bind(0, '127.0.0.1', () => say('port', socket.address().port));
}

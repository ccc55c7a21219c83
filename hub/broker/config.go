package broker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Config says how an embedded broker runs. Of its fields, TLS, Policy, Handler and one of Listener
// and Addr must be set; each zero value of the others stands for its default.
type Config struct {
	Addr     string       // host:port to listen on, unless Listener is set
	Listener net.Listener // plain TCP; Close closes it
	// TLS holds the server's certificate and, in ClientCAs, the authority of the
	// devices. Certificates of clients are always required and verified.
	TLS     *tls.Config
	Policy  Policy
	Handler Handler
	Log     *slog.Logger // none by default

	MaxPacket      int // bytes of the longest MQTT packet either way; 20 KiB + 512
	MaxConnections int // 25,000
	MaxFilters     int // subscriptions of one client; 64
	MaxUnacked     int // deliveries at QoS 1 without a PUBACK before the client is cut off; 4,096

	QueueBytes int           // that may wait for one client; 256 KiB
	BulkBytes  int           // that may wait for a bulk client before chunks are left out; 3/4 of QueueBytes
	SendBuffer int           // bytes, of the kernel's own queue for each client; 64 KiB
	WriteTime  time.Duration // for a client to take 16 KiB; 10 s
	CloseTime  time.Duration // for what is queued when a connection is closed; 2 s

	MaxHandshakes  int           // at a time; 64
	HandshakeTime  time.Duration // for TLS and CONNECT together; 10 s
	HandshakeGrace time.Duration // for a peer to be silent in it while all places are taken; 2 s
	MaxKeepAlive   time.Duration // the longest a client may ask for, and what it gets if it asks for none; 5 min
	MessageTime    time.Duration // for Handler.Message and Policy.Authenticate; 10 s

	Rate  float64 // packets a second that a client may send for long; 200
	Burst int     // packets that it may send at once; 2,000
}

// defaultMaxPacket is 20 KiB, the longest chunk packet, and room for its header and topic.
const defaultMaxPacket = 20<<10 + 512

// withDefaults returns c with every zero field set, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.TLS == nil || c.TLS.ClientCAs == nil:
		// Without ClientCAs the system's roots would vouch for devices.
		return c, errors.New("broker: TLS with ClientCAs is required")
	case c.Policy == nil || c.Handler == nil:
		return c, errors.New("broker: Policy and Handler are required")
	case c.Addr == "" && c.Listener == nil:
		return c, errors.New("broker: Addr or Listener is required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.MaxPacket, defaultMaxPacket)
	setDefault(&c.MaxConnections, 25_000)
	setDefault(&c.MaxFilters, 64)
	setDefault(&c.MaxUnacked, 4_096)
	setDefault(&c.QueueBytes, 256<<10)
	setDefault(&c.BulkBytes, c.QueueBytes/4*3)
	setDefault(&c.SendBuffer, 64<<10)
	setDefault(&c.WriteTime, 10*time.Second)
	setDefault(&c.CloseTime, 2*time.Second)
	setDefault(&c.MaxHandshakes, 64)
	setDefault(&c.HandshakeTime, 10*time.Second)
	setDefault(&c.HandshakeGrace, 2*time.Second)
	setDefault(&c.MaxKeepAlive, 5*time.Minute)
	setDefault(&c.MessageTime, 10*time.Second)
	setDefault(&c.Rate, 200)
	setDefault(&c.Burst, 2_000)
	if c.MaxUnacked > 1<<15 {
		return c, fmt.Errorf("broker: MaxUnacked %d leaves too few of 65,535 packet ids", c.MaxUnacked)
	}
	if c.QueueBytes < 2*c.MaxPacket {
		return c, fmt.Errorf("broker: QueueBytes %d can't hold two packets of %d", c.QueueBytes, c.MaxPacket)
	}
	c.TLS = c.TLS.Clone()
	c.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	c.TLS.MinVersion = max(c.TLS.MinVersion, tls.VersionTLS12)
	// Records of full size: half the writes for a chunk.
	c.TLS.DynamicRecordSizingDisabled = true
	return c, nil
}

func setDefault[T int | float64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

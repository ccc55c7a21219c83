package broker_test

import (
	"bufio"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
)

// writePair sends a certificate and its key to the fleet's process.
func writePair(w io.Writer, p tls.Certificate) error {
	for _, part := range [][]byte{p.Certificate[0], p.PrivateKey.(ed25519.PrivateKey)} {
		if _, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(part))), part...)); err != nil {
			return err
		}
	}
	return nil
}

func readPair(r io.Reader) (tls.Certificate, error) {
	parts := make([][]byte, 2)
	for i := range parts {
		var length [2]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return tls.Certificate{}, err
		}
		parts[i] = make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(r, parts[i]); err != nil {
			return tls.Certificate{}, err
		}
	}
	return tls.Certificate{Certificate: parts[:1], PrivateKey: ed25519.PrivateKey(parts[1])}, nil
}

// TestFleetChild is no test: it is the process of devices that BenchmarkIdleMemory starts.
func TestFleetChild(t *testing.T) {
	addr := os.Getenv(fleetAddr)
	if addr == "" {
		t.Skip("only as the child process of BenchmarkIdleMemory")
	}
	var (
		wg      sync.WaitGroup
		devices [fleetSize]*rawClient
	)
	in := bufio.NewReader(os.Stdin)
	for i := range devices {
		pair, err := readPair(in)
		check(t, err)
		wg.Go(func() { devices[i] = connectIdle(t, addr, pair) })
	}
	wg.Wait()
	fmt.Println("connected")
	_, err := io.Copy(io.Discard, in) // until the parent is done
	check(t, err)
	runtime.KeepAlive(&devices)
}

// connectIdle connects as the certificate's device and subscribes to two filters.
func connectIdle(t *testing.T, addr string, pair tls.Certificate) *rawClient {
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Error(err)
		return nil
	}
	// Whom it speaks to is not what is measured here.
	conn, err := tls.Dial("tcp", addr, &tls.Config{Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true})
	if err != nil {
		t.Error(err)
		return nil
	}
	id := leaf.Subject.CommonName
	c := &rawClient{Conn: conn, r: bufio.NewReader(conn)}
	for _, p := range [][]byte{
		connectPacket(id, 4, 300, true), subscribePacket(1, "u/x/plan", 1), subscribePacket(2, "d/"+id+"/+", 1),
	} {
		if _, err := c.Write(p); err != nil {
			t.Error(err)
			return nil
		}
		if _, _, err := c.next(); err != nil {
			t.Error(err)
			return nil
		}
	}
	return c
}

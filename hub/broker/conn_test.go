package broker

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testLimit  = 64 << 10
	testStall  = 10 * time.Second
	testLinger = 2 * time.Second
)

// pipe returns a queuedConn and its peer, which has no buffer of its own: what
// the peer doesn't read stays queued.
func pipe(t *testing.T) (*queuedConn, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	return newQueuedConn(near, newPieces(), testLimit, 0, testStall, testLinger), far
}

func mustWrite(t *testing.T, c *queuedConn, n int) {
	t.Helper()
	if got, err := c.Write(make([]byte, n)); got != n || err != nil {
		t.Fatalf("Write of %d bytes returned %d, %v", n, got, err)
	}
}

func TestWriteNeverWaitsAndOverflowClosesTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := pipe(t)
		start := time.Now()
		mustWrite(t, c, testLimit/2)
		mustWrite(t, c, testLimit/2)
		if _, err := c.Write([]byte{1}); !errors.Is(err, ErrQueueFull) {
			t.Errorf("one byte too many: %v", err)
		}
		if time.Since(start) != 0 {
			t.Error("Write has waited")
		}
		<-c.gone
		if _, err := io.ReadAll(far); err != nil {
			t.Errorf("peer: %v, want the end of the stream", err)
		}
		if _, err := c.Write([]byte{1}); !errors.Is(err, ErrQueueFull) {
			t.Errorf("Write after the end: %v", err)
		}
		if !errors.Is(c.err(), ErrQueueFull) {
			t.Errorf("cause: %v", c.err())
		}
	})
}

func TestPeerThatTakesNothingIsClosedAfterTheWriteTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipe(t)
		start := time.Now()
		mustWrite(t, c, 1)
		synctest.Wait() // the write is under way
		// What mochi does for each packet that comes in must not give the writer more time.
		if err := c.SetDeadline(start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetWriteDeadline(start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		<-c.gone
		if got := time.Since(start); got != testStall {
			t.Errorf("closed after %v, want %v", got, testStall)
		}
		if !errors.Is(c.err(), ErrStalled) {
			t.Errorf("cause: %v", c.err())
		}
	})
}

func TestReadDeadlineIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := pipe(t)
		go func() { _, _ = io.Copy(io.Discard, far) }()
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err := c.Read(make([]byte, 1))
		if got := time.Since(start); got != time.Minute || err == nil {
			t.Errorf("Read returned %v after %v", err, got)
		}
		mustWrite(t, c, 1) // still possible
		synctest.Wait()
		if c.pending() != 0 {
			t.Error("nothing was written")
		}
		_ = c.Close()
	})
}

func TestSlowPeerIsGivenTimeForEachPiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := pipe(t)
		mustWrite(t, c, 4*pieceBytes)
		buf := make([]byte, pieceBytes)
		for i := range 4 { // slower than one write time for all of it
			<-time.After(testStall - time.Second)
			if _, err := io.ReadFull(far, buf); err != nil {
				t.Fatalf("piece %d: %v", i, err)
			}
		}
		synctest.Wait()
		if c.pending() != 0 || c.err() != nil {
			t.Errorf("pending %d, cause %v", c.pending(), c.err())
		}
		_ = c.Close()
	})
}

func TestIdleConnectionHoldsNoBufferAndNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := pipe(t)
		mustWrite(t, c, testLimit)
		if _, err := io.ReadFull(far, make([]byte, testLimit)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c.queue != nil || c.flushing || c.queued != 0 {
			t.Errorf("queue of %d bytes, flushing %v, %d queued", cap(c.queue), c.flushing, c.queued)
		}
		_ = c.Close()
	})
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := pipe(t)
		mustWrite(t, c, testLimit)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after Close: %v", err)
		}
		<-time.After(testLinger / 2)
		if got, err := io.ReadAll(far); len(got) != testLimit || err != nil {
			t.Errorf("peer read %d bytes, %v", len(got), err)
		}
		<-c.gone
	})
}

func TestCloseWaitsForNobodyAndLingersOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipe(t)
		mustWrite(t, c, testLimit)
		synctest.Wait() // a write is under way, with its long deadline
		start := time.Now()
		_ = c.Close()
		_ = c.Close()
		if time.Since(start) != 0 {
			t.Error("Close has waited")
		}
		if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(start) != 0 {
			t.Errorf("Read goes on after Close: %v", err)
		}
		if err := c.SetDeadline(start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(start) != 0 {
			t.Errorf("Read can be revived after Close: %v", err)
		}
		<-c.gone
		if got := time.Since(start); got != testLinger {
			t.Errorf("socket closed after %v, want %v", got, testLinger)
		}
	})
}

func TestAbortEndsALingeringClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := pipe(t)
		mustWrite(t, c, testLimit)
		start := time.Now()
		_ = c.Close()
		c.abort(ErrShutdown)
		c.abort(ErrTakenOver)
		<-c.gone
		if got := time.Since(start); got != 0 {
			t.Errorf("socket closed after %v", got)
		}
	})
}

func TestWhatIsHeldBackGoesOutInOnePieceAndInItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := pipe(t)
		var got []byte
		reads := 0
		go func() {
			b := make([]byte, 1<<10)
			for {
				n, err := far.Read(b)
				if err != nil {
					return
				}
				got, reads = append(got, b[:n]...), reads+1
			}
		}()
		write := func(s string) {
			if _, err := c.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		write("a")
		c.hold(make([]byte, 0, 16))
		write("b")
		write("c")
		if string(got) != "a" || c.pending() != 0 {
			t.Errorf("while it is held, %q has come and %d bytes are queued", got, c.pending())
		}
		c.release()
		synctest.Wait()
		if string(got) != "abc" || reads != 2 {
			t.Errorf("%q has come in %d pieces, want abc in 2", got, reads)
		}
		write("d")
		c.hold(nil)
		write("e")
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("f")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after Close: %v", err)
		}
		c.release()
		<-c.gone
		synctest.Wait()
		if string(got) != "abcde" {
			t.Errorf("%q has come at the end, want abcde", got)
		}
	})
}

func TestTheLimitCountsWhatIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := pipe(t)
		c.hold(nil)
		mustWrite(t, c, testLimit)
		if _, err := c.Write([]byte{1}); !errors.Is(err, ErrQueueFull) {
			t.Errorf("one byte too many: %v", err)
		}
		c.release()
		if b, err := io.ReadAll(far); len(b) > 0 || err != nil {
			t.Errorf("the peer of an aborted connection got %d bytes, %v", len(b), err)
		}
	})
}

package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/hub/config"
)

// stepCAProgram is where setup.sh builds the real step-ca.
const stepCAProgram = "../../bin/tools/step-ca"

// realStepCA runs the real step-ca, by the configuration that deploy/step-ca shows:
// only paths, address, names and the provisioner's key are of this test.
func realStepCA(t *testing.T) func(*config.Config) {
	t.Helper()
	if os.Getenv("LOA_SOAK") == "" {
		t.Skip("the real step-ca is built for LOA_SOAK=1")
	}
	text, err := exec.CommandContext(t.Context(), filepath.Join("..", "..", "deploy", "setup.sh"), "stepca").CombinedOutput()
	if err != nil {
		t.Fatalf("step-ca is not built: %v: %s", err, text)
	}
	dir := t.TempDir()
	root := newAuthority(t, "Tỉnh mẫu Root CA", nil)
	mid := newAuthority(t, "Tỉnh mẫu Intermediate CA", root)
	provisioner := newKey(t)
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	private := func(name string, key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		return write(name, "PRIVATE KEY", der)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := "localhost:" + port(ln.Addr())
	must(t, ln.Close())

	var sample map[string]any
	must(t, json.Unmarshal(readAll(t, filepath.Join("..", "..", "deploy", "step-ca", "ca.json")), &sample))
	sample["root"], sample["crt"] = write("root.crt", "CERTIFICATE", root.cert.Raw), write("mid.crt", "CERTIFICATE", mid.cert.Raw)
	sample["key"], sample["address"], sample["dnsNames"] = private("mid.key", mid.key), address, []string{"localhost"}
	sample["db"].(map[string]any)["dataSource"] = filepath.Join(dir, "db")
	point, err := provisioner.PublicKey.Bytes()
	must(t, err)
	enc := base64.RawURLEncoding.EncodeToString
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, enc(point[1:33]), enc(point[33:])))
	key := sample["authority"].(map[string]any)["provisioners"].([]any)[0].(map[string]any)["key"].(map[string]any)
	key["kid"], key["x"], key["y"] = enc(sum[:]), enc(point[1:33]), enc(point[33:])
	settings, err := json.Marshal(sample)
	must(t, err)
	file := filepath.Join(dir, "ca.json")
	must(t, os.WriteFile(file, settings, 0o600))

	cmd := exec.Command(stepCAProgram, file)
	out := &logs{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "STEPPATH="+dir)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	w := &world{t: t}
	w.until("step-ca listens", func() bool {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "https://"+address+"/health", nil)
		must(t, err)
		res, err := client.Do(req)
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	issuer := config.Issuer{URL: "https://" + address, Root: sample["root"].(string), Provisioner: "loa", Key: private("loa.key", provisioner)}
	return func(c *config.Config) { c.Enrol.Issuer = issuer }
}

// The real step-ca certifies a device at its enrolment and at its renewal; a device
// that is revoked is out, whatever its certificate still says.
func TestSoakTheRealStepCACertifiesDevices(t *testing.T) {
	w := newWorld(t, realStepCA(t))
	d := w.enrolled(speaker("loa-dong", "thon-dong", 1000))
	dir := filepath.Join(d.config.Data, "identity")
	first, err := identity.Load(dir)
	must(t, err)
	for _, c := range []tls.Certificate{first.Certificate, first.Bulk} {
		leaf := c.Leaf
		if leaf.Issuer.CommonName != "Tỉnh mẫu Intermediate CA" || len(c.Certificate) != 2 || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
			t.Errorf("certificate of %s by %s, %d behind each other, for %v", leaf.Subject.CommonName, leaf.Issuer.CommonName, len(c.Certificate), leaf.ExtKeyUsage)
		}
		if life := leaf.NotAfter.Sub(leaf.NotBefore); life < 364*24*time.Hour {
			t.Errorf("%s lasts %s", leaf.Subject.CommonName, life)
		}
	}
	d.start()
	t.Cleanup(d.stop)
	w.online(d)

	end := first.Certificate.Leaf.NotAfter
	w.until("the second has changed", func() bool { return time.Now().After(end.Add(-identity365 + time.Second)) })
	_, err = first.Renew(t.Context(), dir)
	must(t, err)
	renewed, err := identity.Load(dir)
	must(t, err)
	if renewed.Certificate.Leaf.SerialNumber.Cmp(first.Certificate.Leaf.SerialNumber) == 0 {
		t.Error("renewed, the certificate is the old one")
	}
	as := func(c tls.Certificate) error {
		return connects(w, "loa-dong", identity.ClientTLS(renewed.CA, "localhost", time.Now, c))
	}
	d.stop()
	if err := as(renewed.Certificate); err != nil {
		t.Errorf("renewed, it is refused: %v", err)
	}
	must(t, w.Registry.Revoke(t.Context(), d.id, "quantri"))
	if err := as(renewed.Certificate); err == nil {
		t.Error("revoked, it is taken")
	}
	if _, err := renewed.Renew(t.Context(), dir); err == nil {
		t.Error("revoked, it is renewed")
	}
}

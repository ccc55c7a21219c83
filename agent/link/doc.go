// Package link carries bytes between a device and its broker over MQTT 3.1.1
// with mutual TLS: one connection for what matters, a second one that is open
// only while content is missing. It reconnects with growing, scattered waits and
// numbers its connections.
//
// It looks into no payload, decides nothing about what is in one, and believes
// the broker in nothing but delivery.
package link

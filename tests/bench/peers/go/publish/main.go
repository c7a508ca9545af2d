// `publish MESSAGE ENDPOINT COUNT IN_FLIGHT`: publishes what is in the file so often, so many at once.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("publish MESSAGE ENDPOINT COUNT IN_FLIGHT")
	}
	message := must(os.ReadFile(os.Args[1]))
	count, inFlight := must(strconv.Atoi(os.Args[3])), must(strconv.Atoi(os.Args[4]))
	// A fifth less of the processor for each publish; more than this saves nothing.
	debug.SetGCPercent(400)
	ctx := context.Background()
	client := must(newClient(ctx, inFlight))
	input := &sns.PublishInput{
		TargetArn:        aws.String(os.Args[2]),
		MessageStructure: aws.String("json"),
		Message:          aws.String(string(message)),
	}
	tickets := make(chan struct{}, count)
	for i := 0; i < count; i++ {
		tickets <- struct{}{}
	}
	close(tickets)
	var all sync.WaitGroup
	for i := 0; i < inFlight; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for range tickets {
				if _, err := client.Publish(ctx, input); err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	all.Wait()
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// newClient keeps a connection for each publish in flight: by itself, the SDK keeps ten.
func newClient(ctx context.Context, inFlight int) (*sns.Client, error) {
	// This SDK does not know AWS_ENDPOINT_URL yet.
	resolve := func(string, string, ...interface{}) (aws.Endpoint, error) {
		url := os.Getenv("AWS_ENDPOINT_URL")
		if url == "" {
			return aws.Endpoint{}, &aws.EndpointNotFoundError{}
		}
		return aws.Endpoint{URL: url, HostnameImmutable: true}, nil
	}
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
		transport.MaxIdleConns = inFlight
		transport.MaxIdleConnsPerHost = inFlight
	})
	settings, err := config.LoadDefaultConfig(
		ctx,
		config.WithEndpointResolverWithOptions(aws.EndpointResolverWithOptionsFunc(resolve)),
		config.WithHTTPClient(transport),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
	)
	if err != nil {
		return nil, err
	}
	return sns.NewFromConfig(settings), nil
}

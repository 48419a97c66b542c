using System;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading.Tasks;

namespace OcrClient
{
    /// <summary>The service, seen from C#. Make one, and keep it: connections are used again.</summary>
    public sealed class OcrService : IDisposable
    {
        private readonly HttpClient http = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        private readonly string address;
        private readonly int tries;

        /// <param name="address">Such as http://127.0.0.1:8866.</param>
        /// <param name="key">Where the service asks for one.</param>
        /// <param name="tries">How often it is asked again, when it asks for patience.</param>
        public OcrService(string address, string key = null, int tries = 5)
        {
            this.address = address.TrimEnd('/');
            this.tries = tries;
            if (key != null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        /// <summary>Sends an image, a JPEG or what else the service reads.</summary>
        /// <param name="endpoint">"ocr" or "meter".</param>
        public async Task<Result> Ask(string endpoint, byte[] image)
        {
            // base64 needs no escapes in JSON
            string body = "{\"file\": \"" + Convert.ToBase64String(image) + "\"}";
            for (int attempt = 1; ; attempt++)
                using (StringContent content = new StringContent(body, Encoding.ASCII, "application/json"))
                using (HttpResponseMessage response = await http.PostAsync(address + "/" + endpoint, content))
                {
                    if (response.IsSuccessStatusCode) return Parse(await response.Content.ReadAsStreamAsync()).Result;
                    RetryConditionHeaderValue wait = response.Headers.RetryAfter;
                    if (wait == null || wait.Delta == null || attempt == tries)
                        throw new InvalidOperationException((int)response.StatusCode + ": " +
                            Parse(await response.Content.ReadAsStreamAsync()).Message);
                    await Task.Delay(wait.Delta.Value);
                }
        }

        private static Answer Parse(Stream json)
        {
            try
            {
                return (Answer)new DataContractJsonSerializer(typeof(Answer)).ReadObject(json);
            }
            catch (SerializationException)
            {
                throw new InvalidOperationException("this is not the service: its answer is not what was expected");
            }
        }

        /// <summary>Closes the connections.</summary>
        public void Dispose()
        {
            http.Dispose();
        }
    }
}

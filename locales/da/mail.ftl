# E-mails. `when` er dato og klokkeslæt, med browser og adresse i parentes, hvor de er kendt.

mail-device = { $browser } på { $system }
mail-device-unknown = ukendt browser
mail-address = IP-adresse { $address }
mail-address-unknown = ukendt IP-adresse
mail-case = Sag { $case }.

mail-closing-not-you = Var det ikke dig? Åbn { $host }, vælg Konto og derefter Adgangskode og 2FA, log alle andre sessioner ud, og skift din adgangskode.
mail-closing-contact = Du kan også kontakte { $help }.
mail-closing-never = Kundeservice beder aldrig om din adgangskode eller en kode fra din app.

mail-enabled-subject = Tofaktorgodkendelse er slået til
mail-enabled-body = Tofaktorgodkendelse blev slået til for din konto den { $when }. Opbevar dine nødkoder et sikkert sted.

mail-replaced-subject = Din godkendelsesapp er udskiftet
mail-replaced-body = En ny godkendelsesapp blev sat op den { $when }. Den gamle app virker ikke længere. Alle andre sessioner og betroede enheder er logget ud, og du har nye nødkoder.

mail-disabled-subject = Tofaktorgodkendelse er slået fra
mail-disabled-body = Tofaktorgodkendelse blev slået fra for din konto den { $when }. Dine nødkoder og betroede enheder virker ikke længere.

mail-emergency-used-subject = En nødkode er brugt
mail-emergency-used-body = En nødkode blev brugt til at logge ind den { $when }. Koder tilbage: { $left } af { $total }.

mail-codes-new-subject = Du har nye nødkoder
mail-codes-new-body = Nye nødkoder blev oprettet den { $when }. De gamle virker ikke længere.

mail-otc-subject = Din engangskode
mail-otc-code = { $code } er din engangskode.
mail-otc-body = Den virker én gang, indtil den { $until }. Vælg »Anden metode« i kodevinduet og derefter »Engangskode«.
mail-otc-asked = Du bad kundeservice om den.
mail-otc-asked-case = Du bad kundeservice om den (sag { $case }).
mail-otc-keep = Giv den ikke til nogen, heller ikke til os.

mail-otc-shown-subject = Kundeservice har oprettet en engangskode til dig
mail-otc-shown-body = En engangskode blev oprettet til din konto den { $when } (sag { $case }) og givet til dig via chat eller telefon.
mail-otc-shown-plain-body = En engangskode blev oprettet til din konto den { $when } og givet til dig via chat eller telefon.

mail-otc-used-subject = En engangskode er brugt
mail-otc-used-body = En engangskode fra kundeservice blev brugt til at logge ind den { $when }.

mail-enrolment-subject = Din kode til at slå tofaktorgodkendelse til
mail-enrolment-code = { $code } er din kode til at slå tofaktorgodkendelse til.
mail-enrolment-body = Den virker én gang, indtil den { $until }. Indtast den på siden, der beder om den. Giv den ikke til nogen, heller ikke til os.

mail-locked-subject = Nogen har indtastet forkerte koder til din konto
mail-locked-body = Nogen, der kender din adgangskode, indtastede { $wrong } forkerte koder, den sidste den { $when }. Koder er sat på pause indtil den { $until }. Hvis det ikke var dig, så skift din adgangskode nu.

mail-password-disabled-subject = Din adgangskode er spærret
mail-password-disabled-body = Efter for mange forkerte forsøg blev din adgangskode spærret den { $when }. Den åbner ikke længere din konto. Vælg en ny: åbn { $host }, og vælg »Glemt adgangskoden?«.

mail-app-disabled-subject = Din godkendelsesapp er spærret
mail-app-disabled-body = Nogen, der kender din adgangskode, indtastede for mange forkerte koder, så din godkendelsesapp blev spærret den { $when }. Kontakt kundeservice for at sætte den op igen. Hvis det ikke var dig, så skift din adgangskode nu.

mail-device-trusted-subject = En enhed er nu betroet
mail-device-trusted-body = En enhed blev betroet den { $when }. Den bliver ikke bedt om en kode før den { $until }.

mail-new-place-subject = Nyt login på din konto
mail-new-place-body = Du loggede ind med en browser, der ikke har været brugt til din konto før, den { $when }.

mail-password-subject = Din adgangskode er ændret
mail-password-body = Din adgangskode blev ændret den { $when }. Alle andre sessioner er logget ud.

mail-reset-subject = Nulstil din adgangskode
mail-reset-body = Åbn dette link inden for { $minutes } minutter for at vælge en ny adgangskode:
mail-reset-ignore = Hvis du ikke har bedt om dette, skal du ikke gøre noget: Din adgangskode er den samme som før.

mail-invitation-subject = Din nye konto
mail-invitation-body = Der er oprettet en konto til dig. Åbn dette link for at vælge din adgangskode; det virker én gang, indtil den { $until }:

mail-desk-subject = Kundeservice har ændret din konto
mail-desk-signed-out = Kundeservice loggede dig ud overalt den { $when }.
mail-desk-devices-removed = Kundeservice fjernede dine betroede enheder den { $when }.
mail-desk-authenticator-reset = Kundeservice fjernede din godkendelsesapp og dine nødkoder den { $when }. Du sætter en app op igen, næste gang du logger ind.
mail-desk-exempted = Kundeservice udskød den dag, hvor du skal slå tofaktorgodkendelse til, den { $when }.
mail-desk-unlocked = Kundeservice afsluttede en pause efter forkerte adgangskoder eller koder den { $when }. Du kan logge ind igen.
mail-desk-disabled = Kundeservice deaktiverede din konto den { $when }. Du kan ikke længere logge ind.
mail-desk-enabled = Kundeservice aktiverede din konto den { $when }. Du kan logge ind igen.
mail-desk-groups = Kundeservice ændrede dine grupper den { $when }. De tjenester, du kan åbne, kan have ændret sig.
mail-desk-password-reset = Kundeservice nulstillede din adgangskode den { $when }. Den gamle virker ikke længere, og alle sessioner er logget ud.
mail-desk-deletion = Kundeservice planlagde sletning af din konto den { $when }. Kontakt kundeservice, hvis du stadig har brug for den.

mail-remind-subject = Slå tofaktorgodkendelse til senest den { $date }
mail-remind-body = Din organisation kræver tofaktorgodkendelse. Den sidste dag, du kan udskyde det, er den { $date }; derefter skal du slå det til for at logge ind. Det tager cirka 3 minutter: åbn { $host }, vælg Konto og derefter Adgangskode og 2FA. Hav din telefon ved hånden.

mail-deadline-subject = Du skal nu slå tofaktorgodkendelse til
mail-deadline-body = Næste gang du logger ind, skal du slå tofaktorgodkendelse til, før du kan fortsætte. Det tager cirka 3 minutter. Hav din telefon ved hånden.
